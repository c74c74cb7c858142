/**
 * What is used of `fetch`, so that other implementations fit: the platform's, that of undici, node-fetch, a test's own.
 * It must honour `redirect: "manual"` and `signal`.
 */
export type FetchFunction = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** What a {@link FetchFunction} is called with. */
export interface FetchInit {
  readonly method: "GET" | "POST";
  /** The platform's `Headers`. Not typed as such: each implementation has a type of its own for them, and takes others. */
  // biome-ignore lint/suspicious/noExplicitAny: no other type is taken by all of them
  readonly headers: any;
  readonly body?: string;
  readonly redirect: "manual";
  readonly signal: AbortSignal;
  /** Absent where the runtime does not know it. */
  readonly cache?: "no-store";
}

/** What is used of an answer. One of the ways to read its body is enough. */
export interface FetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly type?: string;
  readonly redirected?: boolean;
  /** A stream of the platform or of Node, or anything to iterate over. */
  readonly body?: unknown;
  readonly bodyUsed?: boolean;
  arrayBuffer?(): Promise<ArrayBuffer>;
  text?(): Promise<string>;
}

/**
 * Asks for no cached answer. Some frameworks keep the answers of `fetch` otherwise; and Workers with an older
 * compatibility date, where `Request` has no such member, reject a request that names it.
 * @internal
 */
export function noStore(): { readonly cache?: "no-store" } {
  const { Request } = globalThis as { Request?: { readonly prototype: object } };
  return Request !== undefined && "cache" in Request.prototype ? { cache: "no-store" } : {};
}
