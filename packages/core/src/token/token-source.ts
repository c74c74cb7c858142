import type { AccessToken } from "./access-token.js";

/** What a caller may say when it asks for a token. */
export interface TokenRequest {
  /** Stops the wait of this caller only; `getToken` then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The token that the API has just refused with 401. The source does not answer with it again. It compares the `value`: if
   * it already has another token, that one is the answer.
   */
  readonly rejected?: AccessToken | undefined;
  /**
   * How long the token is needed, in milliseconds. When the current token expires sooner, the call waits for a renewal. If
   * that fails or brings a shorter one, the current token is the answer. More than nine tenths of a token's lifetime count
   * as nine tenths, so that not every call renews. Default: 0.
   */
  readonly minimumLifetimeMs?: number | undefined;
}

/**
 * Where tokens come from, and where they may be sent. An adapter knows nothing else.
 *
 * Any object of this shape is a source, so you can write your own; {@link accessToken} makes tokens for it.
 */
export interface TokenSource {
  /** The origin where its tokens may be sent, such as `https://api.talkdeskapp.com`. */
  readonly api: string;
  /** Adapters send requests for this URL without a token. */
  readonly tokenEndpoint?: string;
  /** The identity host of the client, if the source knows it, as core's sources do. */
  readonly identity?: string;
  /**
   * Reports that a request to another gateway of Talkdesk went without a token. Adapters call it, where a source has it;
   * core's sources then emit `token_withheld`.
   */
  reportWithheld?(origin: string): void;
  /** Resolves to a token that is valid now. Safe to call concurrently, and works without `this`. */
  getToken(request?: TokenRequest): Promise<AccessToken>;
}

/** A source that can be closed. */
export interface ClosableTokenSource extends TokenSource {
  /**
   * Forgets the token. Callers that wait, and all later ones, get `source_closed`. An answer that arrives later is
   * discarded. Idempotent.
   */
  close(): Promise<void>;
  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * The addresses of a source, and where to report to, for a source that wraps it.
 *
 * @example
 * const wrapped: TokenSource = { ...sourceAddresses(source), getToken: () => source.getToken() };
 */
export function sourceAddresses(source: TokenSource): Omit<TokenSource, "getToken"> {
  const { api, tokenEndpoint, identity } = source;
  // Spread operators would take most of the time of a wrapper, and there is one for each request to a web app.
  const addresses: { -readonly [Name in keyof Omit<TokenSource, "getToken">]: TokenSource[Name] } = { api };
  if (tokenEndpoint !== undefined) addresses.tokenEndpoint = tokenEndpoint;
  if (identity !== undefined) addresses.identity = identity;
  if (source.reportWithheld !== undefined) {
    addresses.reportWithheld = (origin) => source.reportWithheld?.(origin);
  }
  return addresses;
}
