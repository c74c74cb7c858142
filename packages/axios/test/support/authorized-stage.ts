import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { setTokenStage, type TokenStage } from "@talkdesk-oauth/conformance";
import axios, { type AxiosInstance, type CreateAxiosDefaults } from "axios";

/** A stage with an axios instance that sends the tokens of its source. */
export interface AuthorizedStage extends TokenStage {
  readonly client: AxiosInstance;
  /** The `Authorization` of each request to a gateway, in the order of arrival. */
  authorizations(): readonly (string | undefined)[];
}

/** @param defaults The defaults of the instance. */
export async function setStage(defaults: CreateAxiosDefaults = {}): Promise<AuthorizedStage> {
  const stage = await setTokenStage();
  const client = axios.create(defaults);
  client.interceptors.request.use(talkdeskAxios(stage.source));
  const authorizations = () => stage.apiRequests.map(({ headers }) => headers["authorization"]);
  return Object.assign(stage, { client, authorizations });
}
