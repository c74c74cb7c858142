import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { type Emulator, type RequestRecord, startEmulator } from "@talkdesk-oauth/emulator";

/** A Talkdesk of its own for one test, with a client that may write contacts, and that client's source of tokens. */
export interface Stage extends AsyncDisposable {
  readonly talkdesk: Emulator;
  readonly source: ClosableTokenSource;
  /** The origin of the gateway. */
  readonly api: string;
  readonly tokenRequests: number;
  readonly apiRequests: readonly RequestRecord[];
  /** Gets a token, and makes the gateways refuse it from now on. */
  useRefusedToken(): Promise<void>;
}

/** Sets the stage. */
export async function setStage(): Promise<Stage> {
  const talkdesk = await startEmulator();
  const { clientId, clientSecret } = talkdesk.clients.add({ scopes: ["contacts:read", "contacts:write"] });
  const endpoints = talkdesk.endpoints();
  const source = clientCredentials(
    talkdeskClient({ endpoints, authentication: clientSecretBasic({ clientId, clientSecret }) }),
  );
  return {
    talkdesk,
    source,
    api: endpoints.api,
    get tokenRequests() {
      return talkdesk.requests.to("token").length;
    },
    get apiRequests() {
      return talkdesk.requests.to("api");
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
