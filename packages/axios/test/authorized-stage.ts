import { talkdeskAxios } from "@talkdesk-oauth/axios";
import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { type Emulator, type RequestRecord, startEmulator } from "@talkdesk-oauth/emulator";
import axios, { type AxiosInstance, type CreateAxiosDefaults } from "axios";

/** A Talkdesk of its own for one test, its source of tokens, and an instance of axios that is authorised by it. */
export interface AuthorizedStage extends AsyncDisposable {
  readonly talkdesk: Emulator;
  readonly source: ClosableTokenSource;
  /** The origin of the gateway. */
  readonly api: string;
  /** The origin of another gateway, which the token is not for. */
  readonly otherApi: string;
  readonly client: AxiosInstance;
  readonly tokenRequests: number;
  readonly apiRequests: readonly RequestRecord[];
  /** The `Authorization` of each request to a gateway, in the order of arrival. */
  readonly authorizations: readonly (string | undefined)[];
  /** Gets a token, and makes the gateways refuse it from now on. */
  useRefusedToken(): Promise<void>;
}

/** Sets the stage; `defaults` are those of the instance. */
export async function setStage(defaults: CreateAxiosDefaults = {}): Promise<AuthorizedStage> {
  const talkdesk = await startEmulator({ reportPolls: 0 });
  const { clientId, clientSecret } = talkdesk.clients.get();
  const endpoints = talkdesk.endpoints();
  const source = clientCredentials(
    talkdeskClient({ endpoints, authentication: clientSecretBasic({ clientId, clientSecret }) }),
  );
  const client = axios.create(defaults);
  client.interceptors.request.use(talkdeskAxios(source));
  return {
    talkdesk,
    source,
    api: endpoints.api,
    otherApi: talkdesk.endpoints("acme", "eu").api,
    client,
    get tokenRequests() {
      return talkdesk.requests.to("token").length;
    },
    get apiRequests() {
      return talkdesk.requests.to("api");
    },
    get authorizations() {
      return talkdesk.requests.to("api").map(({ headers }) => headers["authorization"]);
    },
    async useRefusedToken() {
      await source.getToken();
      talkdesk.faults.revokeTokens();
    },
    async [Symbol.asyncDispose]() {
      await source.close();
      await talkdesk.stop();
    },
  };
}
