import type { Dispatcher } from "undici";

type Headers = Dispatcher.DispatchOptions["headers"];
type Value = string | string[] | undefined;

/** A request's headers as they were when they were read: a flat list of names and values, or a record. */
export type ReadHeaders = Value[] | Record<string, Value>;

/**
 * Copies the headers of a request, so that what the caller changes later is not sent. A record stays a record, and a
 * flat list a list, since some interceptors take a value in the one that they refuse in the other; lists of pairs and
 * iterables become flat lists.
 *
 * @returns Undefined for what are no headers.
 */
export function readHeaders(headers: Headers): ReadHeaders | undefined {
  if (headers === null || headers === undefined) return {};
  if (typeof headers !== "object") return undefined;
  if (Symbol.iterator in headers) {
    const items = [...(headers as Iterable<Value | [string, Value]>)];
    const isOfPairs = !Array.isArray(headers) || Array.isArray(items[0]);
    return (isOfPairs ? (items as [string, Value][]).flat(1) : (items as Value[])).map(copyOf);
  }
  const copy: Record<string, Value> = { ...(headers as Record<string, Value>) };
  for (const name in copy) copy[name] = copyOf(copy[name]);
  return copy;
}

function copyOf(value: Value): Value {
  return Array.isArray(value) ? [...value] : value;
}

/** The value of a header, by its name in lower case; undefined when it is not sent. */
export function headerIn(headers: ReadHeaders, name: string): Value | null {
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

/** The same headers with `Authorization`. */
export function withAuthorization(headers: ReadHeaders, authorization: string): NonNullable<Headers> {
  // undici takes lists as values in a flat list, too; its types do not say so.
  if (Array.isArray(headers)) return [...headers, "authorization", authorization] as string[];
  return Object.assign({}, headers as Record<string, string | string[]>, { authorization });
}
