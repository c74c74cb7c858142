import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { isLoopbackAddress, type Origin } from "@talkdesk-oauth/core";
import { usageError } from "./caller.js";
import { resolveDestination } from "./request.js";

/** A request that is sent with a token. */
export interface Routed {
  readonly authorization: string;
  /** Where the request must go. */
  readonly origin: Origin;
  /** Its index among the requests in flight; -1 before and after. */
  place: number;
}

/** The part of a request that undici's diagnostics channels publish. */
interface UndiciRequest {
  readonly origin: string | URL;
  readonly headers: string[];
  readonly servername?: string | null;
  /** Set to an error, it stops the request before it is written. */
  error?: Error;
}

/** The requests in flight. An array with stored indexes: a Set would take a tenth of the time of a whole request. */
const inFlight: Routed[] = [];
let isWatching = false;

/**
 * Watches where undici's clients send requests that have a token. An interceptor sees only the URL, while a `Pool`, a
 * `Client` or a proxy beneath may lead elsewhere. Such a request loses its token before it is written, and fails.
 *
 * Over https, TLS verifies the name whatever the route, so only plain http needs a direct connection.
 */
export function watchRoutes(): void {
  if (isWatching) return;
  isWatching = true;
  subscribe("undici:request:create", (message) => {
    const { request } = message as { request: UndiciRequest };
    if (mayGo(request, ({ origin }) => isAddressedTo(origin, request))) return;
    request.headers.splice(findAuthorization(request.headers), 2);
    request.error = routeError(`a client of ${request.origin}`);
  });
  subscribe("undici:client:sendHeaders", (message) => {
    const { request, socket } = message as { request: UndiciRequest; socket: Socket };
    if (mayGo(request, ({ origin }) => isAddressedTo(origin, request) && isConnectedTo(origin, socket)))
      return;
    socket.destroy(routeError("a proxy, a socket path or a server of another name"));
  });
}

/** Starts to watch one request. */
export function enterRoute(routed: Routed): void {
  routed.place = inFlight.push(routed) - 1;
}

/** Stops watching a request; further calls do nothing. */
export function leaveRoute(routed: Routed): void {
  const { place } = routed;
  if (place < 0) return;
  routed.place = -1;
  const last = inFlight.pop();
  if (last === undefined || last === routed) return;
  inFlight[place] = last;
  last.place = place;
}

/**
 * Whether a request has no token of a request in flight, or goes where one of these must go. Requests with the same token
 * cannot be told apart. Mostly the first one with this token decides, so that many in flight cost no more than a few.
 */
function mayGo({ headers }: UndiciRequest, isRight: (routed: Routed) => boolean): boolean {
  if (inFlight.length === 0) return true;
  const at = findAuthorization(headers);
  if (at < 0) return true;
  const authorization = headers[at + 1];
  let hasToken = false;
  for (const routed of inFlight) {
    if (routed.authorization !== authorization) continue;
    if (isRight(routed)) return true;
    hasToken = true;
  }
  return !hasToken;
}

function findAuthorization(headers: readonly string[]): number {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.length === 13 && headers[index]?.toLowerCase() === "authorization") return index;
  }
  return -1;
}

function isAddressedTo(expected: Origin, { origin, servername }: UndiciRequest): boolean {
  if (origin === expected.origin && !servername) return true;
  const reached = resolveDestination({ origin, path: "/", servername });
  // The dns interceptor replaces `localhost` with an address, which isConnectedTo checks.
  if (expected.protocol === "http:") return reached?.protocol === "http:" && reached.port === expected.port;
  return reached?.origin === expected.origin;
}

/**
 * Whether a connection leads where a URL says: for plain http, to its port on a loopback address; for https, to the name
 * that TLS was asked to verify. A connection to an IP address has no such name.
 */
function isConnectedTo({ protocol, hostname, port }: Origin, socket: Socket): boolean {
  if (protocol === "http:") {
    const { remoteAddress = "", remotePort } = socket;
    return isLoopbackAddress(remoteAddress) && remotePort === Number(port || 80);
  }
  const { servername } = socket as { servername?: string | false | null };
  return !servername || servername.toLowerCase() === hostname;
}

function routeError(route: string): TypeError {
  return usageError(
    `The token was not sent: the URL names the API, but the dispatcher leads to ${route}. Compose over an Agent.`,
  );
}
