/**
 * Something that the service does not document, and that clients do nevertheless.
 *
 * - `secret-in-body`: the client id and secret are in the body of a token request, not in an HTTP Basic header.
 * - `grant-in-query`: `grant_type` and other parameters of a grant are in the URL of a token request.
 * - `json-body`: the body of a token request is JSON.
 * - `public-client`: a login of a client that has a secret is finished or refreshed without it.
 * - `bearer-service-token`: a service token follows `Bearer`.
 */
export type Laxity =
  | "secret-in-body"
  | "grant-in-query"
  | "json-body"
  | "public-client"
  | "bearer-service-token";

/** Every {@link Laxity}. */
export const LAXITIES: readonly Laxity[] = Object.freeze([
  "secret-in-body",
  "grant-in-query",
  "json-body",
  "public-client",
  "bearer-service-token",
]);

/** The laxities that are permitted in one request, and those that it made use of. */
export interface Leniency {
  /** Tells whether a laxity is permitted. If so, it is noted in `used`. */
  permit(laxity: Laxity): boolean;
  readonly used: readonly Laxity[];
}

/** Makes the leniency towards one request. */
export function makeLeniency(permitted: readonly Laxity[]): Leniency {
  const used = new Set<Laxity>();
  return {
    permit(laxity) {
      if (!permitted.includes(laxity)) return false;
      used.add(laxity);
      return true;
    },
    get used() {
      return Object.freeze([...used]);
    },
  };
}

/** Makes the end of a refusal, which names the option that would have permitted the request. */
export function describeLeniency(laxity: Laxity): string {
  return `The emulator accepts this with lenient: ["${laxity}"].`;
}
