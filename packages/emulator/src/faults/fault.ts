import type { Region } from "../base/region.js";

/** Where a fault strikes: the token endpoint, a gateway, the files host, or the other endpoints of the identity host. */
export type FaultPlace = "token" | "api" | "files" | "authorize" | "jwks" | "introspect";

/** The body of a canned answer. A stream serves once; a function is called for each answer. */
export type CannedBody =
  | string
  | Uint8Array
  | AsyncIterable<Uint8Array | string>
  | (() => string | Uint8Array | AsyncIterable<Uint8Array | string>);

/** An answer given instead of the real one. */
export interface CannedAnswer {
  /** 200 to 599. */
  readonly status: number;
  /** Sent as they are; `content-length` and `date` are added when missing. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Default: none. */
  readonly body?: CannedBody;
  /** Answers as soon as the head of the request is there, without reading its body. Default false. */
  readonly early?: boolean;
}

/** The requests that a fault is for; a member left out matches all. */
export interface FaultMatch {
  readonly region?: Region;
  /** For a gateway: the account of the token presented. */
  readonly account?: string;
  readonly method?: string;
  /** A string is compared with the path; an expression is tried on path and query. */
  readonly path?: string | RegExp;
  /** The `grant_type` of the form. */
  readonly grantType?: string;
  /** The `Authorization` header: a string is compared with all of it. */
  readonly authorization?: string | RegExp;
}

/** When a fault strikes. */
export interface FaultOccasion {
  readonly at: FaultPlace;
  /** How many requests it strikes. Default 1; `Infinity` is allowed. */
  readonly times?: number;
  /** How many matching requests pass first. Default 0. */
  readonly skip?: number;
  readonly match?: FaultMatch;
  /** Waits before anything else, in milliseconds. Alone, the request then carries on normally. */
  readonly delayMs?: number;
}

/** What a fault does; exactly one of these. */
export type FaultEffect =
  /** Waits, then carries on normally. In milliseconds. */
  | { readonly delayMs: number }
  /** Accepts the request and never answers. */
  | { readonly hang: true }
  /** Resets the connection: before any byte, after the headers, or in the middle of the body. */
  | { readonly reset: "before" | "headers" | "body" }
  /** Answers this instead of the real answer. */
  | { readonly respond: CannedAnswer }
  /** Does the work, such as using up a code, and closes the connection without an answer. */
  | { readonly lose: true }
  /** Merges into the JSON of the real answer (undefined removes a member), or rewrites it. */
  | { readonly patch: Readonly<Record<string, unknown>> | ((body: Record<string, unknown>) => unknown) }
  /** Shifts the `Date` header of the real answer, in milliseconds. */
  | { readonly dateSkewMs: number }
  /** Announces the whole length, sends this many bytes of the body and closes the connection. */
  | { readonly truncate: number }
  /** Sends the body of the real answer in small pieces. */
  | { readonly trickle: { readonly chunkBytes: number; readonly everyMs: number } };

/** A scripted fault: when, and what. */
export type Fault = FaultOccasion & FaultEffect;

/** The effect of a fault, told apart by `kind`. `delayMs` comes first in any case. */
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

/** A fault that has been checked. */
export interface CheckedFault {
  readonly at: FaultPlace;
  readonly times: number;
  readonly skip: number;
  readonly match: FaultMatch;
  readonly delayMs: number;
  readonly effect: CheckedEffect;
}
