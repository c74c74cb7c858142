import type { TokenSource } from "@talkdesk-oauth/core";

/** A request body, in the forms that clients accept. */
export type RequestBody =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "bytes"; readonly value: Uint8Array }
  | { readonly kind: "form"; readonly value: URLSearchParams }
  | { readonly kind: "multipart"; readonly value: FormData }
  | { readonly kind: "blob"; readonly value: Blob }
  | { readonly kind: "stream"; readonly value: ReadableStream<Uint8Array> }
  | { readonly kind: "iterable"; readonly value: AsyncIterable<Uint8Array> }
  /** An object of another library, which the client may send or reject. */
  | { readonly kind: "foreign"; readonly value: object };

/** The kinds of {@link RequestBody} that belong to the platform. */
export type BodyKind = Exclude<RequestBody["kind"], "foreign">;

/** One request, in terms that every client has. It and its `headers` are frozen. */
export interface PlainRequest {
  /** Absolute, or relative to the gateway. A `URL` object only with the capability `urlObjects`. */
  readonly url: string | URL;
  /** Default: GET. */
  readonly method?: string;
  /** Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: none. */
  readonly body?: RequestBody;
  /** Aborts the request. Default: none. */
  readonly signal?: AbortSignal;
}

/** One response, whatever its status. */
export interface PlainResponse {
  /** The HTTP status. */
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Reads the body. */
  text(): Promise<string>;
}

/** Sends one request through the adapter. It rejects with the error of the client. */
export interface Send {
  (request: PlainRequest): Promise<PlainResponse>;
  /** Frees the client's connections. Called when the test is over. */
  close?(): Promise<void>;
}

/** The input from which a driver makes its client. */
export interface AdapterSetup {
  /** The source of the tokens that the adapter sends. */
  readonly source: TokenSource;
  /** The option `origins` of the adapter. */
  readonly origins?: readonly string[] | undefined;
  /** The maximum number of connections to one origin. Only with the capability `limitsConnections`. */
  readonly connections?: number | undefined;
}

/**
 * Makes a client with the adapter under test, and translates requests and responses. A driver asserts nothing and repairs
 * nothing: it hands the members of a request to the client as they are.
 */
export type AdapterDriver = (setup: AdapterSetup) => Send;

/**
 * Facts about a client that no adapter can change. The defaults describe a client that can do everything; give the reason
 * for any other value in a comment. Where the client cannot do something, the suite asserts what happens instead.
 */
export interface AdapterCapabilities {
  /** The kinds of body that the client accepts. Default: all. It must reject the others. */
  readonly bodies?: readonly BodyKind[];
  /**
   * The kinds of body that reach the adapter in a form that can be sent again. Default: all except `stream` and
   * `iterable`. A refused request with any other must be sent once and end with the 401.
   */
  readonly replayable?: readonly BodyKind[];
  /** Whether the client accepts a URL without an origin. Default: true. False: it must reject one. */
  readonly relativeUrls?: boolean;
  /** Whether the client accepts a `URL` object. Default: true. False: the suite gives it none. */
  readonly urlObjects?: boolean;
  /** Whether the client follows redirects. Default: true. False: the caller must get the redirect. */
  readonly followsRedirects?: boolean;
  /**
   * Whether each hop of a redirect reaches the adapter as a request that looks like any other. Default: false. True: a
   * hop has the token at an origin in `origins`, and back at the gateway. False: such hops must have none.
   */
  readonly hopsAreRequests?: boolean;
  /**
   * Whether the adapter learns of every hop of a redirect. Default: true. False: a 401 at the end of a chain that left
   * the gateway and came back looks like a refusal, and causes one needless new token. True: it must cause none.
   */
  readonly seesHops?: boolean;
  /**
   * Whether the adapter sees the user and password in a URL. Default: true. False: the client drops them, and the request
   * must have the token.
   */
  readonly keepsUrlUsers?: boolean;
  /** Whether the client resolves before the body has arrived. Default: true. False: it must resolve with the whole body. */
  readonly streamsResponses?: boolean;
  /** Whether the number of connections can be limited. Default: false. */
  readonly limitsConnections?: boolean;
  /**
   * The `name` of the error with which the client rejects an aborted call, and the adapter must too. Default: the calls
   * reject with the signal's reason.
   */
  readonly abortErrorName?: string;
}

/** The server to which a {@link AdapterStacks.detours | detour} leads. It answers every request and opens no tunnel. */
export interface Elsewhere {
  /** Such as `http://127.0.0.1:49152`. It also serves as a proxy. */
  readonly origin: string;
  /** The path of a Unix domain socket. */
  readonly socketPath: string;
}

/**
 * Other ways to combine client and adapter, each under a name for its tests. Give every one that the client and its
 * companions allow: an absent one is not tested.
 */
export interface AdapterStacks {
  /** The client without the adapter. It shows how the client sends bodies of other libraries. */
  readonly alone?: (setup: Pick<AdapterSetup, "connections">) => Send;
  /** The adapter above a layer that throws for a status of 400 or more. */
  readonly throwing?: Readonly<Record<string, AdapterDriver>>;
  /** The adapter with an option that leads each request elsewhere than its URL. No token may arrive there. */
  readonly detours?: Readonly<Record<string, (setup: AdapterSetup, elsewhere: Elsewhere) => Send>>;
  /**
   * Two clients, each with its own source, over one layer that caches responses or joins requests, in every place where
   * that layer can be. Neither client may get a response of the other.
   */
  readonly sharing?: Readonly<
    Record<string, (setups: readonly [AdapterSetup, AdapterSetup]) => readonly [Send, Send]>
  >;
}
