import type { AccessToken } from "./access-token.js";

/** What a caller may say when it asks for a token. */
export interface TokenRequest {
  /** Stops this caller's wait, never anybody else's; `getToken` then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The API has just refused this token with 401: do not answer with it again. It is compared by `value`, not obeyed:
   * if the source already has another, that one is the answer.
   */
  readonly rejected?: AccessToken | undefined;
  /**
   * How long the token is needed, in milliseconds. When the one held ends sooner, the call waits for a renewal, and
   * answers the longest-lived token that can be had: the one held, should the renewal fail or bring a shorter one. More
   * than nine tenths of a token's lifetime count as nine tenths, so that not every call renews.
   */
  readonly minimumLifetimeMs?: number | undefined;
}

/**
 * Where tokens come from, and where they may go: all that an adapter knows.
 *
 * Any object of this shape is a source, so a user can write one; {@link accessToken} makes the tokens for it.
 */
export interface TokenSource {
  /** The origin where its tokens may go, such as `https://api.talkdeskapp.com`. */
  readonly api: string;
  /** Adapters pass requests for this URL through untouched. */
  readonly tokenEndpoint?: string;
  /** The identity host of the client, where the source knows it; core's sources do. */
  readonly identity?: string;
  /** Resolves to a token that is valid now. Safe to call concurrently, and without `this`. */
  getToken(request?: TokenRequest): Promise<AccessToken>;
}

/** A source that holds something which can be given up. */
export interface ClosableTokenSource extends TokenSource {
  /**
   * Forgets the token and ends what is under way: whoever waits, and whoever asks from now on, gets `source_closed`.
   * Idempotent. An answer that arrives later is discarded.
   */
  close(): Promise<void>;
  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
