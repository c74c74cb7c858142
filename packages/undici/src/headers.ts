import type { Dispatcher } from "undici";

type GivenHeaders = Dispatcher.DispatchOptions["headers"];
type Value = string | string[] | undefined;

/** A copy of a request's headers: a flat list of names and values, or a record. */
export type RequestHeaders = Value[] | Record<string, Value>;

/**
 * Copies the headers of a request, so that later changes by the caller are not sent.
 *
 * A record stays a record and a flat list stays a list, because some interceptors accept a value in one form and refuse
 * it in the other. Lists of pairs and iterables become flat lists.
 *
 * @returns Undefined for a value that undici does not accept as headers.
 */
export function readHeaders(headers: GivenHeaders): RequestHeaders | undefined {
  if (headers === null || headers === undefined) return {};
  if (typeof headers !== "object") return undefined;
  if (Symbol.iterator in headers) {
    const items = [...(headers as Iterable<Value | [string, Value]>)];
    const isOfPairs = !Array.isArray(headers) || Array.isArray(items[0]);
    return (isOfPairs ? (items as [string, Value][]).flat(1) : (items as Value[])).map(copyValue);
  }
  const copy: Record<string, Value> = { ...(headers as Record<string, Value>) };
  for (const name in copy) copy[name] = copyValue(copy[name]);
  return copy;
}

/** Copies a list; other values cannot change. */
export function copyValue<Given>(value: Given): Given {
  return (Array.isArray(value) ? [...value] : value) as Given;
}

/**
 * Finds the value of a header.
 *
 * @param name In lower case.
 * @returns Undefined for a header that is absent, and for one without a value, which undici does not send.
 */
export function findHeader(headers: RequestHeaders, name: string): Value | null {
  if (Array.isArray(headers)) {
    for (let index = 0; index < headers.length; index += 2) {
      if (isNamed(String(headers[index]), name) && headers[index + 1] !== undefined)
        return headers[index + 1];
    }
  } else {
    for (const key in headers) if (isNamed(key, name) && headers[key] !== undefined) return headers[key];
  }
  return undefined;
}

function isNamed(key: string, name: string): boolean {
  return key.length === name.length && key.toLowerCase() === name;
}

/** Copies the headers and adds `Authorization`. */
export function addAuthorization(headers: RequestHeaders, authorization: string): NonNullable<GivenHeaders> {
  // undici also accepts lists as values in a flat list, which its types leave out.
  if (Array.isArray(headers)) return [...headers, "authorization", authorization] as string[];
  return Object.assign({}, headers as Record<string, string | string[]>, { authorization });
}
