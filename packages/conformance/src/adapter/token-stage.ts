import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import {
  type ClientRegistration,
  type Emulator,
  type RequestRecord,
  startEmulator,
} from "@talkdesk-oauth/emulator";

/** A Talkdesk of its own for one test, and a source of tokens for its gateway of the us region. */
export interface TokenStage extends AsyncDisposable {
  readonly talkdesk: Emulator;
  readonly source: ClosableTokenSource;
  /** The origin of the gateway. */
  readonly api: string;
  /** The origin of another gateway, which the token is not for. */
  readonly otherApi: string;
  /** How often a token was asked for. */
  readonly tokenRequests: number;
  /** What the gateways received, in the order of arrival. */
  readonly apiRequests: readonly RequestRecord[];
  /** Gets a token, and makes the gateways refuse it from now on. */
  useRefusedToken(): Promise<void>;
}

/**
 * Starts an emulator whose report jobs are done at once. Every test has its own, so what one leaves behind cannot reach
 * another: `await using stage = await setTokenStage()`.
 *
 * @param registration A client to add and use. Default: the emulator's own.
 */
export async function setTokenStage(registration?: ClientRegistration): Promise<TokenStage> {
  const talkdesk = await startEmulator({ reportPolls: 0 });
  const { clientId, clientSecret } =
    registration === undefined ? talkdesk.clients.get() : talkdesk.clients.add(registration);
  const endpoints = talkdesk.endpoints();
  const source = clientCredentials(
    talkdeskClient({ endpoints, authentication: clientSecretBasic({ clientId, clientSecret }) }),
  );
  return {
    talkdesk,
    source,
    api: endpoints.api,
    otherApi: talkdesk.endpoints("acme", "eu").api,
    get tokenRequests() {
      return talkdesk.requests.to("token").filter(({ form }) => form.has("grant_type")).length;
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
