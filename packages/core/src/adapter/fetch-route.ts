import type { Origin } from "./token-destination.js";

/** Where a dispatcher of undici sends requests, as far as that can be seen. */
interface Route {
  /** The only origins that it sends to; empty when it follows the URL. */
  readonly origins: readonly string[];
  readonly isSocket: boolean;
  /** When it sends through a proxy. `NO_PROXY` names the exceptions. */
  readonly proxy: "always" | "with exceptions" | undefined;
}

/** Routes that were read before, by dispatcher. */
const routes = new WeakMap<object, Route>();

/** The symbols under which versions of undici keep their global dispatcher. Constants: a list takes six times as long. */
const GLOBAL_DISPATCHER_1: unique symbol = Symbol.for("undici.globalDispatcher.1");
const GLOBAL_DISPATCHER_2: unique symbol = Symbol.for("undici.globalDispatcher.2");

interface GlobalDispatchers {
  readonly [GLOBAL_DISPATCHER_1]?: unknown;
  readonly [GLOBAL_DISPATCHER_2]?: unknown;
}

/** The variables that name a proxy for plain http. Bun and Deno do not agree on which comes first, so each one counts. */
const PROXY_VARIABLES = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] as const;

/** The variables of proxies. */
type Environment = {
  readonly [Name in (typeof PROXY_VARIABLES)[number] | "no_proxy" | "NO_PROXY"]?: string | undefined;
};

/** Options of `fetch` that lead a request elsewhere: `dispatcher` of Node and undici, the others of Bun. */
type RoutingOption = "dispatcher" | "proxy" | "unix";

/**
 * Refuses a request by `fetch` that would not go where its URL says: to another origin, to a socket path, or unencrypted
 * through a proxy. A proxy learns nothing from `https:` requests, which it tunnels.
 *
 * It reads the options of `fetch` and undici's global dispatcher. It cannot see the route of a dispatcher or a `fetch`
 * of the user's own.
 *
 * @param settings The options of the request, as `fetch` takes them.
 * @throws TypeError that names the route.
 * @example
 * refuseDetour(new URL("https://api.talkdeskapp.com/users"), init);
 * const response = await fetch(url, init);
 */
export function refuseDetour(url: Origin, settings: object): void {
  const { dispatcher, proxy, unix } = settings as { readonly [Option in RoutingOption]?: unknown };
  if (unix) throw detour(url, "to the socket of the option unix");
  const isClear = url.protocol === "http:";
  if (isClear && proxy) throw detour(url, "in the clear through the proxy of the option proxy");
  if (isObject(dispatcher)) {
    refuseDispatcher(url, dispatcher, "the option dispatcher");
    return;
  }
  const { [GLOBAL_DISPATCHER_1]: first, [GLOBAL_DISPATCHER_2]: second } = globalThis as GlobalDispatchers;
  if (isObject(first)) refuseDispatcher(url, first, "the global dispatcher");
  if (isObject(second)) refuseDispatcher(url, second, "the global dispatcher");
  if (!isClear || !("Bun" in globalThis || "Deno" in globalThis)) return;
  const environment = readEnvironment();
  if (PROXY_VARIABLES.some((name) => environment[name]) && !isException(url, environment)) {
    throw detour(url, "in the clear through the proxy of HTTP_PROXY or ALL_PROXY");
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function refuseDispatcher(url: Origin, dispatcher: object, name: string): void {
  const { origins, isSocket, proxy } = routeOf(dispatcher);
  for (const origin of origins) {
    if (origin !== url.origin) throw detour(url, `to ${origin}, where ${name} sends everything`);
  }
  if (isSocket) throw detour(url, `to the socket of ${name}`);
  if (url.protocol !== "http:" || proxy === undefined) return;
  if (proxy === "always" || !isException(url, readEnvironment())) {
    throw detour(url, `in the clear through the proxy of ${name}`);
  }
}

function detour({ origin }: Origin, where: string): TypeError {
  return new TypeError(
    `A request to ${origin} would go ${where}, so it may not have a token. Send it directly (for a proxy of the environment, add the host to NO_PROXY).`,
  );
}

function routeOf(dispatcher: object): Route {
  let route = routes.get(dispatcher);
  if (route === undefined) {
    route = readRoute(dispatcher);
    routes.set(dispatcher, route);
  }
  return route;
}

/** Reads origin and options of undici's clients, pools and agents, from symbols that undici does not export. */
function readRoute(dispatcher: object): Route {
  const known = new Map(
    Object.getOwnPropertySymbols(dispatcher).map((symbol) => [
      symbol.description,
      Reflect.get(dispatcher, symbol) as unknown,
    ]),
  );
  const upstreams = (dispatcher as { readonly upstreams?: readonly string[] }).upstreams ?? known.get("url");
  const { socketPath, connect } = Object(known.get("options")) as {
    readonly socketPath?: unknown;
    readonly connect?: { readonly socketPath?: unknown } | null;
  };
  // An object without a prototype has no constructor.
  const { name } = Object(dispatcher.constructor) as { readonly name?: unknown };
  const isProxy = known.has("proxy agent options") || name === "Socks5ProxyAgent";
  const mayProxy =
    known.has("http proxy agent") && known.get("http proxy agent") !== known.get("no proxy agent");
  return {
    origins: [upstreams].flat().flatMap((upstream) => readOrigin(upstream)),
    isSocket: Boolean(socketPath ?? connect?.socketPath),
    proxy: isProxy ? "always" : mayProxy ? "with exceptions" : undefined,
  };
}

function readOrigin(upstream: unknown): string[] {
  try {
    return [new URL(String(upstream)).origin];
  } catch {
    // The dispatcher is not one of undici's.
    return [];
  }
}

/** True when `NO_PROXY` lists this host, which is a loopback address, as the runtime reads that list. */
function isException({ host, hostname }: Origin, { no_proxy, NO_PROXY }: Environment): boolean {
  if ("Deno" in globalThis) {
    // Deno knows hosts only, separated by commas, and has IPv6 addresses without brackets.
    const hosts = (NO_PROXY ?? no_proxy ?? "").split(",").map((name) => name.trim());
    return hosts.includes(hostname.replace(/^\[|\]$/g, ""));
  }
  const names = (no_proxy ?? NO_PROXY ?? "").toLowerCase().split(/[\s,]+/);
  return ["*", host, hostname].some((name) => names.includes(name));
}

/** Reads the variables of proxies. Empty where there is no environment, or Deno does not allow reading it. */
function readEnvironment(): Environment {
  const { process } = globalThis as { readonly process?: { readonly env: Environment } };
  try {
    const { http_proxy, HTTP_PROXY, all_proxy, ALL_PROXY, no_proxy, NO_PROXY } = process?.env ?? {};
    return { http_proxy, HTTP_PROXY, all_proxy, ALL_PROXY, no_proxy, NO_PROXY };
  } catch {
    return {};
  }
}
