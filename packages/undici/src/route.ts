import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { destination } from "./destination.js";
import { mistake } from "./mistake.js";

/** A request that is sent with a token. */
export interface Routed {
  readonly authorization: string;
  /** Where it is meant to go. */
  readonly url: URL;
  /** Its place among those that are under way; -1 before and after. */
  place: number;
}

/** What undici tells of a request on its diagnostics channels. */
interface UndiciRequest {
  readonly origin: string | URL;
  readonly headers: string[];
  readonly servername?: string | null;
  /** An error that stops the request before it is written. */
  error?: Error;
}

/** The requests that have not ended. A Set would take a tenth of all the time that a request takes. */
const underWay: Routed[] = [];
let isWatching = false;

/**
 * Watches where undici's clients really send what goes with a token: an interceptor sees the URL alone, and a `Pool`, a
 * `Client` or a proxy beneath it may lead elsewhere. A request that goes astray loses its token before it is written, and
 * fails.
 *
 * What goes over TLS reaches the name that TLS proves by any route, so only plain http is held to a direct connection.
 */
export function watchRoutes(): void {
  if (isWatching) return;
  isWatching = true;
  subscribe("undici:request:create", (message) => {
    const { request } = message as { request: UndiciRequest };
    const routed = routedBy(request);
    if (routed.length === 0 || routed.some((each) => leadsTo(each.url, request))) return;
    request.headers.splice(indexOfAuthorization(request.headers), 2);
    request.error = astray(`a client of ${request.origin}`);
  });
  subscribe("undici:client:sendHeaders", (message) => {
    const { request, socket } = message as { request: UndiciRequest; socket: Socket };
    const routed = routedBy(request).filter(({ url }) => leadsTo(url, request));
    if (routed.length === 0 || routed.some(({ url }) => isReached(url, socket))) return;
    socket.destroy(astray("a proxy, a socket path or a server of another name"));
  });
}

/** Begins to watch one request. */
export function enterRoute(routed: Routed): void {
  routed.place = underWay.push(routed) - 1;
}

/** Ends that, once. */
export function leaveRoute(routed: Routed): void {
  const { place } = routed;
  if (place < 0) return;
  routed.place = -1;
  const last = underWay.pop();
  if (last === undefined || last === routed) return;
  underWay[place] = last;
  last.place = place;
}

function routedBy({ headers }: UndiciRequest): readonly Routed[] {
  if (underWay.length === 0) return [];
  const at = indexOfAuthorization(headers);
  return at < 0 ? [] : underWay.filter(({ authorization }) => authorization === headers[at + 1]);
}

function indexOfAuthorization(headers: readonly string[]): number {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.length === 13 && headers[index]?.toLowerCase() === "authorization") return index;
  }
  return -1;
}

function leadsTo(url: URL, { origin, servername }: UndiciRequest): boolean {
  const reached = destination({ origin, path: "/", servername });
  // The dns interceptor puts an address in place of `localhost`; isReached looks at the address.
  if (url.protocol === "http:") return reached?.protocol === "http:" && reached.port === url.port;
  return reached?.origin === url.origin;
}

/**
 * Whether a connection leads where a URL says: for plain http to its port on a loopback address, and for https to its
 * name, which TLS was asked to prove. An address has no name.
 */
function isReached({ protocol, hostname, port }: URL, socket: Socket): boolean {
  if (protocol === "http:") {
    const { remoteAddress = "", remotePort } = socket;
    return /^(?:::ffff:)?127\.|^::1$/.test(remoteAddress) && remotePort === Number(port || 80);
  }
  const { servername } = socket as { servername?: string | false | null };
  return !servername || servername.toLowerCase() === hostname;
}

function astray(to: string): TypeError {
  return mistake(
    `The token was not sent: the URL names the API, but the dispatcher leads to ${to}. Compose over an Agent.`,
  );
}
