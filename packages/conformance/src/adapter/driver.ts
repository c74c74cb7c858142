import type { TokenSource } from "@talkdesk-oauth/core";

/** A request body, in each of the shapes that clients take. */
export type RequestBody =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "bytes"; readonly value: Uint8Array }
  | { readonly kind: "form"; readonly value: URLSearchParams }
  | { readonly kind: "multipart"; readonly value: FormData }
  | { readonly kind: "blob"; readonly value: Blob }
  | { readonly kind: "stream"; readonly value: ReadableStream<Uint8Array> }
  | { readonly kind: "iterable"; readonly value: AsyncIterable<Uint8Array> }
  /** Of another library than the platform: what comes of it is the client's. */
  | { readonly kind: "foreign"; readonly value: object };

/** The shapes of a {@link RequestBody} that are the platform's. */
export type BodyKind = Exclude<RequestBody["kind"], "foreign">;

/** One request, in words that every client has. It and its `headers` are frozen. */
export interface PlainRequest {
  /** Absolute, or relative to the gateway. An object only when the client has the capability `urlObjects`. */
  readonly url: string | URL;
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
  /** Whether the client takes a `URL` object for a URL. Default true. Otherwise the suite gives it none. */
  readonly urlObjects?: boolean;
  /** Whether the client follows redirects. Default true. Otherwise the redirect must be the caller's. */
  readonly followsRedirects?: boolean;
  /**
   * Whether the adapter sees each hop of a redirect as a request of its own, and cannot tell that it is one. Default
   * false. Then a hop to an origin that `origins` names has the token, and one that leads back to the gateway; otherwise
   * neither must.
   */
  readonly hopsAreRequests?: boolean;
  /**
   * Whether the adapter learns of every hop of a redirect. Default true. Otherwise a 401 at the end of a chain that left
   * the gateway and came back costs one new token, since it looks like a refusal; it must cost none.
   */
  readonly seesHops?: boolean;
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

/** Where a {@link AdapterStacks.detours | detour} leads: one server, which answers anything and tunnels nothing. */
export interface Elsewhere {
  /** Such as `http://127.0.0.1:49152`; it serves as a proxy too. */
  readonly origin: string;
  /** A Unix domain socket. */
  readonly socketPath: string;
}

/**
 * Other ways to put client and adapter together, by a name for the test. Give each that the client and its companions
 * have; what is absent is not tested.
 */
export interface AdapterStacks {
  /** The client without the adapter: the measure of what it makes of bodies that are not the platform's. */
  readonly alone?: (setup: Pick<AdapterSetup, "connections">) => Send;
  /** With a layer beneath the adapter that throws for a status of 400 and more. */
  readonly throwing?: Readonly<Record<string, AdapterDriver>>;
  /** With options that lead each request elsewhere than its URL says. No token may arrive there. */
  readonly detours?: Readonly<Record<string, (setup: AdapterSetup, elsewhere: Elsewhere) => Send>>;
  /**
   * Two clients, each authorised by its own source, over one layer that keeps answers or joins requests, in every place
   * where it can stand. Neither may be answered with what is the other's.
   */
  readonly sharing?: Readonly<
    Record<string, (setups: readonly [AdapterSetup, AdapterSetup]) => readonly [Send, Send]>
  >;
}
