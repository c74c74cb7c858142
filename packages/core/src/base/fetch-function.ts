/**
 * The part of `fetch` that is used, so that other implementations fit too, such as undici's, node-fetch or one of a
 * test. It must honour `redirect: "manual"` and `signal`.
 */
export type FetchFunction = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** What a {@link FetchFunction} is called with. */
export interface FetchInit {
  /** POST for token requests, GET for the keys of ID tokens. */
  readonly method: "GET" | "POST";
  /** The platform's `Headers`. It is not typed so, since each implementation of `fetch` has a type of its own. */
  // biome-ignore lint/suspicious/noExplicitAny: no other type fits all implementations
  readonly headers: any;
  /** A form for token requests, JSON for the end of a session; absent for GET. */
  readonly body?: string;
  /** Redirects are never followed, since they would take a secret elsewhere. */
  readonly redirect: "manual";
  /** Aborted when the time for the call is over. */
  readonly signal: AbortSignal;
  /** Absent where the runtime's `Request` does not have the option. */
  readonly cache?: "no-store";
}

/** The part of a `Response` that is used. One way to read the body is enough. */
export interface FetchResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The headers, by name in any case. */
  readonly headers: { get(name: string): string | null };
  /** `"opaqueredirect"` for a redirect that was not followed, in a browser. */
  readonly type?: string;
  /** True when a redirect was followed in spite of `redirect: "manual"`; the answer is then refused. */
  readonly redirected?: boolean;
  /** A stream of the platform or of Node, or any async iterable. */
  readonly body?: unknown;
  /** True when the body has been read already. */
  readonly bodyUsed?: boolean;
  /** Reads the body as bytes. Used when `body` is absent. */
  arrayBuffer?(): Promise<ArrayBuffer>;
  /** Reads the body as text. Used when there are neither `body` nor `arrayBuffer`. */
  text?(): Promise<string>;
}

/**
 * Returns the option that forbids a cached answer, since some frameworks cache the answers of `fetch`. Returns no option
 * where `Request` does not have it: Workers with an older compatibility date reject requests that name it.
 * @internal
 */
export function noStore(): { readonly cache?: "no-store" } {
  const { Request } = globalThis as { Request?: { readonly prototype: object } };
  return Request !== undefined && "cache" in Request.prototype ? { cache: "no-store" } : {};
}
