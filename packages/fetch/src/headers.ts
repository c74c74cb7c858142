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

/** Headers that are made before their token is known. */
export interface PreparedHeaders {
  readonly headers: Headers;
  /** The `Authorization` that they have already. */
  readonly authorization: string | undefined;
}

/**
 * Makes the headers of requests with a token. It remembers the headers of the last token, which the next request mostly
 * has too: to check a token of 700 characters takes ten times as long as to copy a header.
 */
export class AuthorizedHeaders {
  #last: PreparedHeaders | undefined;

  /** @throws TypeError for a name or a value that is not allowed in a header. */
  prepare(snapshot: HeadersSnapshot | undefined): PreparedHeaders {
    if (snapshot !== undefined && !isRecord(snapshot)) {
      return { headers: new Headers(snapshot), authorization: undefined };
    }
    const headers = new Headers(this.#last?.headers);
    for (const name in snapshot) headers.append(name, snapshot[name] ?? "");
    return { headers, authorization: this.#last?.authorization };
  }

  /** Sets the `Authorization` of prepared headers. */
  authorize(prepared: PreparedHeaders, authorization: string): Headers {
    const { headers } = prepared;
    if (prepared.authorization === authorization) return headers;
    headers.set("authorization", authorization);
    if (this.#last?.authorization !== authorization) {
      this.#last = { headers: new Headers({ authorization }), authorization };
    }
    return headers;
  }
}

function isRecord(
  headers: NonNullable<RequestInit["headers"]> | HeadersSnapshot,
): headers is Readonly<Record<string, string>> {
  return Object.getPrototypeOf(headers) === Object.prototype;
}
