import { talkdeskAxios } from "@talkdesk-oauth/axios";
import axios, { type AxiosInstance } from "axios";
import { source } from "./core.js";

const api: AxiosInstance = axios.create();
api.interceptors.request.use(talkdeskAxios(source, { origins: [] }));

export async function countUsers(): Promise<number> {
  const { data } = await api.get<{ total: number }>("/users", { params: { per_page: 1 } });
  return data.total;
}
