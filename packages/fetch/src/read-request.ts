/** The members of a `Request` that `fetch` reads. */
export interface RequestSnapshot
  extends Pick<Request, "url" | "method" | "headers" | "body" | "bodyUsed" | "signal"> {
  /** Makes what is sent with a token in place of the caller's object: the same without headers, body and signal. */
  readonly copy?: (() => Request) | undefined;
}

/**
 * Reads a request as `fetch` will send it: a `Request` of the platform as the platform's `fetch` reads it. One that could
 * show a `fetch` something else later is copied.
 *
 * @param hasOwnFetch Whether the user has given a `fetch`. It may have a `Request` class of its own, which is read by its
 *   members.
 * @returns Undefined when `fetch` will convert the input to a URL.
 */
export function readRequest(input: unknown, hasOwnFetch: boolean): RequestSnapshot | undefined {
  if (typeof input !== "object" || input === null || input instanceof URL) return undefined;
  const { Request } = globalThis;
  if (Request !== undefined && input instanceof Request) return readPlatformRequest(input, Request);
  const isRequest =
    hasOwnFetch &&
    Object.prototype.toString.call(input) === "[object Request]" &&
    // An input with a `toString` of its own would be requested at that URL by a fetch that does not know its class.
    String(input) === "[object Request]";
  if (!isRequest) return undefined;
  const { url, method, headers, body, bodyUsed, signal } = input as RequestSnapshot;
  return { url, method, headers, body, bodyUsed, signal };
}

function readPlatformRequest(input: Request, PlatformRequest: typeof Request): RequestSnapshot {
  const { prototype } = PlatformRequest;
  // The `fetch` of Bun reads properties, which an object or its class can override. Others call the platform's getters.
  const readsProperties = "Bun" in globalThis;
  const read = <Name extends keyof Request>(name: Name): Request[Name] =>
    readsProperties || !(name in prototype) ? input[name] : Reflect.get(prototype, name, input);
  const url = read("url");
  const isPlain =
    Object.getPrototypeOf(input) === prototype && Object.getOwnPropertyNames(input).length === 0;
  if (isPlain && !readsProperties) {
    const { method, headers, body, bodyUsed, signal } = input;
    return { url, method, headers, body, bodyUsed, signal };
  }
  const options: Record<string, unknown> = {};
  for (const name of COPIED) {
    const value = read(name);
    if (value !== undefined) options[name] = value;
  }
  const method = read("method");
  return {
    url,
    method,
    headers: read("headers"),
    body: read("body"),
    bodyUsed: read("bodyUsed"),
    signal: read("signal"),
    copy: () => new PlatformRequest(url, { ...options, method }),
  };
}

/** The further options that a `Request` keeps and shows. */
const COPIED = [
  "cache",
  "credentials",
  "integrity",
  "keepalive",
  "mode",
  "redirect",
  "referrer",
  "referrerPolicy",
] as const;

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
  if (init === undefined || init === null) return {};
  const given = init as unknown as Record<string, unknown>;
  const prototype: unknown = Object.getPrototypeOf(given);
  // With a place for the headers: V8 takes longer to add a member to a spread copy than to make the copy.
  if (prototype === Object.prototype) {
    const copy: Record<string, unknown> = { headers: undefined, ...given };
    return copy as RequestInit;
  }
  const settings: Record<string, unknown> = {};
  for (const name in given) settings[name] = given[name];
  for (const name of SETTINGS) {
    const value = name in settings ? undefined : given[name];
    if (value !== undefined) settings[name] = value;
  }
  return settings as RequestInit;
}
