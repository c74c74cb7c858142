/** The headers of a request as they were given: a record of strings, or else copied into `Headers`. */
export type HeadersSnapshot = Headers | Readonly<Record<string, string>>;

/** Copies headers once, since the caller may change them. A record stays one: to copy it takes a tenth of the time. */
export function readHeaders(given: NonNullable<RequestInit["headers"]>): HeadersSnapshot {
  // Platforms differ in what they do with symbols and with members that are not enumerable.
  if (!isRecord(given) || Reflect.ownKeys(given).length > Object.keys(given).length)
    return new Headers(given);
  const copy = { ...given };
  // Other values become text by a method of their own, which is called once.
  return Object.values(copy).every((value) => typeof value === "string") ? copy : new Headers(copy);
}

export function hasAuthorization(headers: HeadersSnapshot): boolean {
  if (!isRecord(headers)) return headers.has("authorization");
  return Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
}

/**
 * Makes headers that can be changed.
 *
 * @throws TypeError for a name or a value that is not allowed in a header.
 */
export function makeHeaders(snapshot: HeadersSnapshot | undefined): Headers {
  if (snapshot === undefined) return new Headers();
  if (!isRecord(snapshot)) return new Headers(snapshot);
  const headers = new Headers();
  for (const name in snapshot) headers.append(name, snapshot[name] ?? "");
  return headers;
}

function isRecord(
  headers: NonNullable<RequestInit["headers"]> | HeadersSnapshot,
): headers is Readonly<Record<string, string>> {
  return Object.getPrototypeOf(headers) === Object.prototype;
}
