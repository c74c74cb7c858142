import type { TokenSource } from "@talkdesk-oauth/core";

/** A request body, in each of the shapes that clients take. */
export type RequestBody =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "bytes"; readonly value: Uint8Array }
  | { readonly kind: "form"; readonly value: URLSearchParams }
  | { readonly kind: "multipart"; readonly value: FormData }
  | { readonly kind: "blob"; readonly value: Blob }
  | { readonly kind: "stream"; readonly value: ReadableStream<Uint8Array> }
  | { readonly kind: "iterable"; readonly value: AsyncIterable<Uint8Array> };

/** The shape of a {@link RequestBody}. */
export type BodyKind = RequestBody["kind"];

/** One request, in words that every client has. It and its `headers` are frozen. */
export interface PlainRequest {
  /** Absolute, or relative to the gateway. */
  readonly url: string;
  /** Default: GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly signal?: AbortSignal;
}

/** One response. A status of any kind is a response, not an error. */
export interface PlainResponse {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Reads the body. */
  text(): Promise<string>;
}

/** Sends one request through the adapter; rejects with whatever the client rejects with. */
export interface Send {
  (request: PlainRequest): Promise<PlainResponse>;
  /** Frees what the client holds. Called when the test is over. */
  close?(): Promise<void>;
}

/** What a driver makes its client of. */
export interface AdapterSetup {
  readonly source: TokenSource;
  /** The adapter's own option; absent when it is to be left out. */
  readonly origins?: readonly string[];
  /** The most connections that the client may have to one origin. Given only when it has the capability. */
  readonly connections?: number;
}

/**
 * Makes a client that is authorised by the adapter under test, and translates between its words and these. A driver
 * asserts nothing and repairs nothing: it hands the members of a request to the client as they are.
 */
export type AdapterDriver = (setup: AdapterSetup) => Send;

/**
 * Facts about a client that no adapter can change. Each has a default that a full client satisfies; a driver that
 * says otherwise says why. Where the client cannot do a thing, the suite asserts what happens instead.
 */
export interface AdapterCapabilities {
  /** The kinds of body that the client takes. Default: all. The others must make it reject. */
  readonly bodies?: readonly BodyKind[];
  /**
   * The kinds of body that reach the adapter in a shape which can be sent again. Default: all but `stream` and
   * `iterable`. After a refusal, the others must end with the 401, after one sending.
   */
  readonly replayable?: readonly BodyKind[];
  /** Whether a URL without an origin is one. Default true. Otherwise the client must reject it. */
  readonly relativeUrls?: boolean;
  /** Whether the client follows redirects. Default true. Otherwise the redirect must be the caller's. */
  readonly followsRedirects?: boolean;
  /**
   * Whether the adapter sees each hop of a redirect as a request of its own. Default false. Then a hop to an origin
   * that `origins` names has the token; otherwise it must not.
   */
  readonly hopsAreRequests?: boolean;
  /**
   * Whether the adapter sees the user and password in a URL. Default true. Otherwise the client drops them, and the
   * request must have the token.
   */
  readonly keepsUrlUsers?: boolean;
  /** Whether the client resolves before the body has arrived. Default true. Otherwise it must resolve with all of it. */
  readonly streamsResponses?: boolean;
  /** Whether the number of connections can be chosen. Default false: the pool is what the client makes of it. */
  readonly limitsConnections?: boolean;
  /**
   * The `name` of the errors with which the client rejects aborts, and during a wait for a token the adapter. Default:
   * they reject with the signal's reason.
   */
  readonly abortErrorName?: string;
}
