/** The members of a `Request` that `fetch` reads. */
export interface RequestSnapshot
  extends Pick<Request, "url" | "method" | "headers" | "body" | "bodyUsed" | "signal"> {
  /** The URL that a subclass of `Request` shows. A `fetch` given as an option may send to it. */
  readonly shownUrl?: string | undefined;
}

/**
 * Reads a request as `fetch` will send it. A `Request` of the platform is read as `fetch` reads it, whatever a subclass
 * overrides.
 *
 * @param hasOwnFetch Whether the user has given a `fetch`. It may have a `Request` class of its own, which is read by its
 *   members.
 * @returns Undefined when `fetch` will convert the input to a URL.
 */
export function readRequest(input: unknown, hasOwnFetch: boolean): RequestSnapshot | undefined {
  if (typeof input !== "object" || input === null || input instanceof URL) return undefined;
  const { Request } = globalThis;
  if (Request !== undefined && input instanceof Request) return readPlatformRequest(input, Request.prototype);
  const isRequest =
    hasOwnFetch &&
    Object.prototype.toString.call(input) === "[object Request]" &&
    // An input with a `toString` of its own would be requested at that URL by a fetch that does not know its class.
    String(input) === "[object Request]";
  if (!isRequest) return undefined;
  const { url, method, headers, body, bodyUsed, signal } = input as RequestSnapshot;
  return { url, method, headers, body, bodyUsed, signal };
}

function readPlatformRequest(input: Request, prototype: Request): RequestSnapshot {
  const isPlain =
    Object.getPrototypeOf(input) === prototype && Object.getOwnPropertyNames(input).length === 0;
  // Calls the getters of the prototype on a subclass, which may override them.
  const read = <Name extends keyof Request>(name: Name): Request[Name] =>
    isPlain || !(name in prototype) ? input[name] : Reflect.get(prototype, name, input);
  return {
    url: read("url"),
    method: read("method"),
    headers: read("headers"),
    body: read("body"),
    bodyUsed: read("bodyUsed"),
    signal: read("signal"),
    shownUrl: isPlain ? undefined : input.url,
  };
}

/** The options that `fetch` reads by name. Further ones, which some runtimes have, are found in plain objects only. */
const SETTINGS =
  "body cache credentials dispatcher duplex headers integrity keepalive method mode priority redirect referrer referrerPolicy signal window".split(
    " ",
  );

/**
 * Reads the caller's options once, since the caller may change them during the wait for a token. Options may be getters
 * and may be inherited, as for a `Request` given in place of options.
 */
export function readSettings(init: RequestInit | undefined): RequestInit {
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
