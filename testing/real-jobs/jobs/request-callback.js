// "Call me back" on a web page.
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import axios from "axios";

const api = axios.create();
api.interceptors.request.use(
  talkdeskAxios(clientCredentials(talkdeskClientFromEnv(), { scope: "callback:write" })),
);

export const requestCallback = (from, to) =>
  api.post("/calls/callback", { talkdesk_phone_number: from, contact_phone_number: to });
