// A Studio flow that sends a text message, started by an event of another system.
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import axios from "axios";

const source = clientCredentials(talkdeskClientFromEnv(), { scope: "flows-interactions:start" });
const api = axios.create();
api.interceptors.request.use(talkdeskAxios(source));

export async function startFlow(flowId, payload) {
  return (await api.post(`/flows/${flowId}/interactions`, payload)).data;
}
