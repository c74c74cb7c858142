import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import axios from "axios";

const api = axios.create();
api.interceptors.request.use(talkdeskAxios(clientCredentials(talkdeskClientFromEnv())));
const { status } = await api.get("/users", { params: { per_page: 1 } });
console.log(status);
