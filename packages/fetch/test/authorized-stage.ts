import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { type Emulator, type RequestRecord, startEmulator } from "@talkdesk-oauth/emulator";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

/** A Talkdesk of its own for one test, its source of tokens, and a `fetch` that is authorised by it. */
export interface AuthorizedStage extends AsyncDisposable {
  readonly talkdesk: Emulator;
  readonly source: ClosableTokenSource;
  readonly api: string;
  readonly fetch: typeof fetch;
  readonly tokenRequests: number;
  readonly apiRequests: readonly RequestRecord[];
  /** Gets a token, and makes the gateways refuse it from now on. */
  useRefusedToken(): Promise<void>;
}

/** Sets the stage; `injected` is the `fetch` beneath. */
export async function setStage(injected?: typeof fetch): Promise<AuthorizedStage> {
  const talkdesk = await startEmulator({ reportPolls: 0 });
  const { clientId, clientSecret } = talkdesk.clients.get();
  const endpoints = talkdesk.endpoints();
  const source = clientCredentials(
    talkdeskClient({ endpoints, authentication: clientSecretBasic({ clientId, clientSecret }) }),
  );
  return {
    talkdesk,
    source,
    api: endpoints.api,
    fetch: talkdeskFetch(source, injected && { fetch: injected }),
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
