import type { Region } from "../base/region.js";

/** Where a fault applies: an endpoint of the identity host, a gateway (`api`) or the files host. */
export type FaultPlace = "token" | "api" | "files" | "authorize" | "jwks" | "introspect" | "session";

/** The body of a canned answer. A stream can be sent once. A function is called for each answer. */
export type CannedBody =
  | string
  | Uint8Array
  | AsyncIterable<Uint8Array | string>
  | (() => string | Uint8Array | AsyncIterable<Uint8Array | string>);

/** An answer that is sent in place of the real one. */
export interface CannedAnswer {
  /** 200 to 599. */
  readonly status: number;
  /** Sent as they are. `content-length` and `date` are added when missing. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Default: none. */
  readonly body?: CannedBody;
  /** Answers as soon as the head of the request has arrived, without waiting for its body. Default: false. */
  readonly early?: boolean;
}

/** The requests that a fault applies to. A member that is left out matches all. */
export interface FaultMatch {
  /** The region of the host. */
  readonly region?: Region;
  /** At a gateway: the account of the token in the request. */
  readonly account?: string;
  /** The HTTP method, in capitals. */
  readonly method?: string;
  /** A string must equal the path. A RegExp is searched for in path and query. */
  readonly path?: string | RegExp;
  /** The `grant_type` in the form. Only with `at: "token"`. */
  readonly grantType?: string;
  /** The `Authorization` header. A string must equal it. A RegExp is searched for in it. */
  readonly authorization?: string | RegExp;
}

/** When a fault applies. */
export interface FaultOccasion {
  /** Where it happens. */
  readonly at: FaultPlace;
  /** How many requests it applies to. Default: 1. `Infinity` is allowed. */
  readonly times?: number;
  /** How many matching requests pass unharmed first. Default: 0. */
  readonly skip?: number;
  /** Which requests it applies to. Default: all. */
  readonly match?: FaultMatch;
  /** Waits this many milliseconds before the effect. Without an effect the real answer follows. Default: 0. */
  readonly delayMs?: number;
}

/** What a fault does: exactly one of these. */
export type FaultEffect =
  /** Waits this many milliseconds, then sends the real answer. */
  | { readonly delayMs: number }
  /** Reads the request and never answers. */
  | { readonly hang: true }
  /** Resets the connection before any byte of the answer, after its headers, or in the middle of its body. */
  | { readonly reset: "before" | "headers" | "body" }
  /** Sends this in place of the real answer; the request has no effect. */
  | { readonly respond: CannedAnswer }
  /** Handles the request, so a code is used up and a refresh token rotated, then closes the connection. */
  | { readonly lose: true }
  /** Merges these members into the JSON of the real answer; undefined removes one. A function rewrites the JSON. */
  | { readonly patch: Readonly<Record<string, unknown>> | ((body: Record<string, unknown>) => unknown) }
  /** Shifts the `Date` header of the real answer by this many milliseconds. */
  | { readonly dateSkewMs: number }
  /** Announces the whole length, sends this many bytes of the body, then closes the connection. */
  | { readonly truncate: number }
  /** Sends the body of the real answer in chunks of this many bytes, with a pause after each. */
  | { readonly trickle: { readonly chunkBytes: number; readonly everyMs: number } };

/** A scripted fault: when it applies and what it does. */
export type Fault = FaultOccasion & FaultEffect;

/** The effect of a fault, told apart by `kind`. It follows the fault's `delayMs`. */
export type CheckedEffect =
  | { readonly kind: "none" }
  | { readonly kind: "hang" }
  | { readonly kind: "lose" }
  | { readonly kind: "reset"; readonly when: "before" | "headers" | "body" }
  | { readonly kind: "respond"; readonly answer: CannedAnswer }
  | { readonly kind: "patch"; readonly rewrite: (body: unknown) => unknown }
  | { readonly kind: "dateSkew"; readonly ms: number }
  | { readonly kind: "truncate"; readonly bytes: number }
  | { readonly kind: "trickle"; readonly chunkBytes: number; readonly everyMs: number };

/** A fault that has been checked and has its defaults. */
export interface CheckedFault {
  readonly at: FaultPlace;
  readonly times: number;
  readonly skip: number;
  readonly match: FaultMatch;
  readonly delayMs: number;
  readonly effect: CheckedEffect;
}
