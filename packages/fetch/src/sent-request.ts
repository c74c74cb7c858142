/** What `fetch` reads of the `Request` that it is given. */
export type SentRequest = Pick<Request, "url" | "method" | "headers" | "body" | "bodyUsed" | "signal">;

const MEMBERS = ["url", "method", "headers", "body", "bodyUsed", "signal"] as const;

/**
 * The request that `fetch` will send for this input; undefined when `fetch` will take the input for a URL.
 *
 * A `Request` of the platform is read as `fetch` reads it, whatever a subclass says. A `fetch` that the user has given
 * may have a `Request` of its own, which is read as it shows itself.
 */
export function sentRequest(input: unknown, isOwnFetch: boolean): SentRequest | undefined {
  if (typeof input !== "object" || input === null || input instanceof URL) return undefined;
  const platform = platformRequest(input);
  if (platform !== undefined || !isOwnFetch) return platform;
  const isRequest =
    Object.prototype.toString.call(input) === "[object Request]" &&
    // Otherwise a fetch that does not know it would take it for the URL that this gives.
    String(input) === "[object Request]";
  return isRequest ? readMembers((name) => (input as SentRequest)[name]) : undefined;
}

function platformRequest(input: object): SentRequest | undefined {
  const { Request } = globalThis;
  if (Request === undefined || !(input instanceof Request)) return undefined;
  try {
    // The prototype's own getters, on this object: they throw for what only looks like a Request.
    return readMembers((name) =>
      name in Request.prototype ? Reflect.get(Request.prototype, name, input) : input[name],
    );
  } catch {
    return undefined;
  }
}

function readMembers(read: (name: (typeof MEMBERS)[number]) => unknown): SentRequest {
  return Object.fromEntries(MEMBERS.map((name) => [name, read(name)])) as unknown as SentRequest;
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
