/**
 * The part of `fetch` that is used, so that other implementations fit too, such as undici's, node-fetch or one of a
 * test. It must honour `redirect: "manual"` and `signal`.
 */
export type FetchFunction = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** What a {@link FetchFunction} is called with. */
export interface FetchInit {
  readonly method: "GET" | "POST";
  /** The platform's `Headers`. It is not typed so, since each implementation of `fetch` has a type of its own. */
  // biome-ignore lint/suspicious/noExplicitAny: no other type fits all implementations
  readonly headers: any;
  readonly body?: string;
  readonly redirect: "manual";
  readonly signal: AbortSignal;
  /** Absent where the runtime's `Request` does not have the option. */
  readonly cache?: "no-store";
}

/** The part of a `Response` that is used. One way to read the body is enough. */
export interface FetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly type?: string;
  readonly redirected?: boolean;
  /** A stream of the platform or of Node, or any async iterable. */
  readonly body?: unknown;
  readonly bodyUsed?: boolean;
  arrayBuffer?(): Promise<ArrayBuffer>;
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
