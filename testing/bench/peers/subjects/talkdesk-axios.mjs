import { talkdeskAxios } from "@talkdesk-oauth/axios";
import axios from "axios";
import { openSource } from "./talkdesk-source.mjs";

export function open({ adapter, ...service }) {
  const api = axios.create({ adapter });
  api.interceptors.request.use(talkdeskAxios(openSource(service)));
  return async (url, data) => {
    const method = data === undefined ? "get" : "post";
    return (await api.request({ url, method, data })).status;
  };
}
