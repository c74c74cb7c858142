// A service of NestJS, given the HttpService of @nestjs/axios.
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";

export class ContactsService {
  constructor(httpService) {
    this.api = httpService.axiosRef;
    this.api.interceptors.request.use(talkdeskAxios(clientCredentials(talkdeskClientFromEnv())));
  }
  findByName = async (q) => (await this.api.get("/contacts", { params: { q } })).data._embedded.contacts;
}
