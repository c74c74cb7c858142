/** What `fetch` reads of the `Request` that it is given. */
export interface SentRequest
  extends Pick<Request, "url" | "method" | "headers" | "body" | "bodyUsed" | "signal"> {
  /** The URL that a subclass shows, which a `fetch` of the user's own may send to. */
  readonly shownUrl?: string;
}

/**
 * The request that `fetch` will send for this input; undefined when `fetch` will take the input for a URL.
 *
 * A `Request` of the platform is read as `fetch` reads it, whatever a subclass says. A `fetch` that the user has given
 * may have a `Request` of its own, which is read as it shows itself.
 */
export function sentRequest(input: unknown, isOwnFetch: boolean): SentRequest | undefined {
  if (typeof input !== "object" || input === null || input instanceof URL) return undefined;
  const { Request } = globalThis;
  if (Request !== undefined && input instanceof Request) return platformRequest(input, Request.prototype);
  const isRequest =
    isOwnFetch &&
    Object.prototype.toString.call(input) === "[object Request]" &&
    // Otherwise a fetch that does not know it would take it for the URL that this gives.
    String(input) === "[object Request]";
  if (!isRequest) return undefined;
  const { url, method, headers, body, bodyUsed, signal } = input as SentRequest;
  return { url, method, headers, body, bodyUsed, signal };
}

function platformRequest(input: Request, prototype: Request): SentRequest {
  const isPlain =
    Object.getPrototypeOf(input) === prototype && Object.getOwnPropertyNames(input).length === 0;
  // The prototype's own getters, on this object.
  const read = <Name extends keyof Request>(name: Name): Request[Name] =>
    isPlain || !(name in prototype) ? input[name] : Reflect.get(prototype, name, input);
  return {
    url: read("url"),
    method: read("method"),
    headers: read("headers"),
    body: read("body"),
    bodyUsed: read("bodyUsed"),
    signal: read("signal"),
    ...(!isPlain && { shownUrl: input.url }),
  };
}

/** The options that `fetch` looks for by name; some runtimes know more, which are found in plain objects. */
const SETTINGS =
  "body cache credentials dispatcher duplex headers integrity keepalive method mode priority redirect referrer referrerPolicy signal window".split(
    " ",
  );

/**
 * What the caller's options say now, read once: it may change them while a token is on its way. Their members may be
 * getters, and stand in a prototype, as those of a `Request` in their place do.
 */
export function settingsOf(init: RequestInit | undefined): RequestInit {
  const given = (init ?? {}) as Record<string, unknown>;
  const prototype: unknown = Object.getPrototypeOf(given);
  if (prototype === Object.prototype) return { ...given };
  const settings: Record<string, unknown> = {};
  for (const name in given) settings[name] = given[name];
  for (const name of SETTINGS) {
    const value = name in settings ? undefined : given[name];
    if (value !== undefined) settings[name] = value;
  }
  return settings as RequestInit;
}
