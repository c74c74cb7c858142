import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  type TalkdeskClientOptions,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import {
  type ClientRegistration,
  type Emulator,
  type RequestRecord,
  startEmulator,
} from "@talkdesk-oauth/emulator";

/** An emulator for one test, and a token source for its gateway of the region us. */
export interface TokenStage extends AsyncDisposable {
  /** The emulator. */
  readonly talkdesk: Emulator;
  /** The source of tokens for its gateway. */
  readonly source: ClosableTokenSource;
  /** The origin of the gateway. */
  readonly api: string;
  /** The origin of another gateway, where the token may not go. */
  readonly otherApi: string;
  /** The number of token requests so far. */
  readonly tokenRequests: number;
  /** The requests that the gateways received, in the order of arrival. */
  readonly apiRequests: readonly RequestRecord[];
  /** Gets a token from the source, and makes the gateways refuse it from then on. */
  useRefusedToken(): Promise<void>;
}

/**
 * Starts an emulator, and makes a token source for it. Give each test its own, so that tests cannot affect each other. Report
 * jobs of this emulator are done at once.
 *
 * @param registration A client to add to the emulator and to use. Default: the emulator's default client.
 * @example
 * await using stage = await setTokenStage();
 * await stage.useRefusedToken();
 * await talkdeskFetch(stage.source)("/users");
 * const statuses = stage.apiRequests.map(({ status }) => status); // 401 and 200
 */
export const setTokenStage = (registration?: ClientRegistration): Promise<TokenStage> =>
  setTokenStageWith({}, registration);

/** Does what {@link setTokenStage} does, with more options for the client of the source. */
export async function setTokenStageWith(
  options: Partial<TalkdeskClientOptions>,
  registration?: ClientRegistration,
): Promise<TokenStage> {
  const talkdesk = await startEmulator({ reportPolls: 0 });
  const { clientId, clientSecret } =
    registration === undefined ? talkdesk.clients.get() : talkdesk.clients.add(registration);
  const endpoints = talkdesk.endpoints();
  const source = clientCredentials(
    talkdeskClient({ endpoints, authentication: clientSecretBasic({ clientId, clientSecret }), ...options }),
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
