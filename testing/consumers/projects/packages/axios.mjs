import { talkdeskAxios } from "@talkdesk-oauth/axios";
import axios from "axios";
import { refusedSource } from "./refused-source.mjs";

const api = axios.create();
api.interceptors.request.use(talkdeskAxios(refusedSource()));

const { status, data } = await api.post("/echo", { name: "value" });
console.log(status, data.text);
