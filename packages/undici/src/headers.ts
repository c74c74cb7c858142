import type { AccessToken } from "@talkdesk-oauth/core";
import type { Dispatcher } from "undici";

type HeaderPair = [name: string, value: string | string[]];

/** The headers of a request as pairs, from any of the shapes that undici takes: flat list, pairs, record. */
export function headerPairs(headers: Dispatcher.DispatchOptions["headers"]): HeaderPair[] {
  if (headers === null || headers === undefined) return [];
  if (Array.isArray(headers) && !Array.isArray(headers[0])) {
    const flat: readonly (string | string[])[] = headers;
    return flat.flatMap((name, index) =>
      index % 2 === 0 ? [[String(name), flat[index + 1] ?? ""] as HeaderPair] : [],
    );
  }
  const pairs =
    Symbol.iterator in headers
      ? [...(headers as Iterable<[string, string | string[] | undefined]>)]
      : Object.entries(headers);
  return pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as HeaderPair]));
}

/** The same headers as a flat list. undici takes lists as values in one, too; its types do not say so. */
export function flatHeaders(pairs: readonly HeaderPair[]): string[] {
  const headers: (string | string[])[] = [];
  for (const [name, value] of pairs) headers.push(name, value);
  return headers as string[];
}

/** A flat list of the headers and the token's. */
export function authorizedHeaders(pairs: readonly HeaderPair[], token: AccessToken): string[] {
  const headers = flatHeaders(pairs);
  headers.push("authorization", token.authorization);
  return headers;
}
