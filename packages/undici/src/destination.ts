import type { Dispatcher } from "undici";

/** What says where a request goes. */
type Addressing = Pick<Dispatcher.DispatchOptions, "origin" | "path"> & {
  readonly servername?: string | null;
};

/** An origin and a path that mean the same when they are parsed as one, in a fraction of the time. */
const PLAIN_ORIGIN = /^https?:\/\/[\w.-]+(?::\d+)?$/;
const PLAIN_PATH = /^\/[\w\-./~%?&=+,:@]*$/;

/**
 * Where a request goes: by name, if undici's dns interceptor has put an address in the name's place. Of the path, what
 * comes before its query.
 *
 * @throws TypeError for a request that names no origin.
 */
export function destination({ origin, path, servername }: Addressing): URL {
  if (origin === undefined) {
    throw new TypeError("The request names no origin: compose over an Agent, or request a whole URL.");
  }
  if (!servername && typeof origin === "string" && PLAIN_ORIGIN.test(origin) && PLAIN_PATH.test(path)) {
    return new URL(origin + path);
  }
  const url = new URL(origin);
  // TLS proves this name, whatever the address.
  if (url.protocol === "https:" && servername) url.hostname = servername;
  url.pathname = path.split("?", 1)[0] ?? "";
  return url;
}
