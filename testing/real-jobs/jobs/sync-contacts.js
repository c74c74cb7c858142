// Contacts of another system: those that Talkdesk does not know yet are added.
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import axios from "axios";

const api = axios.create();
api.interceptors.request.use(talkdeskAxios(clientCredentials(talkdeskClientFromEnv())));

export async function syncContact(contact) {
  const { data: found } = await api.get("/contacts", { params: { q: contact.name } });
  return found.total > 0 ? found._embedded.contacts[0] : (await api.post("/contacts", contact)).data;
}
