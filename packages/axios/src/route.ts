import http, { type ClientRequest, type ClientRequestArgs } from "node:http";
import https from "node:https";
import { isIP, type Socket } from "node:net";
import { isLoopbackAddress, type Origin } from "@talkdesk-oauth/core";
import { AxiosError, type InternalAxiosRequestConfig } from "axios";

/** An agent with the method by which Node sends a request over it, which the types of Node leave out. */
interface Agent {
  readonly options?: ClientRequestArgs;
  addRequest(request: ClientRequest, options: ClientRequestArgs, ...more: unknown[]): void;
}

/**
 * Makes sure that a request with a token goes where its URL says: over TLS, or directly to a loopback address. A proxy that
 * tunnels is accepted, since it sees the token encrypted only.
 *
 * @returns The options to send in place of the caller's.
 * @throws AxiosError with the code `ERR_BAD_OPTION_VALUE` for an option that may lead elsewhere.
 */
export function guardRoute(
  { protocol }: Origin,
  config: InternalAxiosRequestConfig,
): Partial<InternalAxiosRequestConfig> | undefined {
  const isSecure = protocol === "https:";
  const { transport, httpAgent, httpsAgent, lookup } = config;
  const { httpVersion, http2Options } = config as { httpVersion?: unknown; http2Options?: object };
  if (transport && transport.request !== (isSecure ? https : http).request) throw routeError("`transport`");
  if (Number(httpVersion) === 2) {
    if (leadsElsewhere(http2Options, {})) throw routeError("`http2Options`");
    if (lookup && !isSecure) throw routeError("`lookup`");
  }
  if (isSecure) return httpsAgent ? { httpsAgent: guardAgent(httpsAgent) } : undefined;
  // For `false`, Node makes a new agent for each request.
  return { httpAgent: guardAgent(httpAgent === false ? new http.Agent() : (httpAgent ?? http.globalAgent)) };
}

const guards = new WeakMap<object, Agent>();

/** Wraps an agent so that each request with an `Authorization`, and its socket, is checked. */
function guardAgent(agent: Agent): Agent {
  let guard = guards.get(agent);
  if (guard === undefined) {
    const addRequest: Agent["addRequest"] = (request, options, ...more) => {
      if (request.hasHeader("authorization")) checkRequest(agent, request, options);
      agent.addRequest(request, options, ...more);
    };
    guard = new Proxy(agent, {
      get: (target, name) => (name === "addRequest" ? addRequest : Reflect.get(target, name)),
    });
    guards.set(agent, guard);
  }
  return guard;
}

function checkRequest(agent: Agent, request: ClientRequest, options: ClientRequestArgs): void {
  const isSecure = request.protocol === "https:";
  // A request to a proxy that does not tunnel has a whole URL as its path.
  if (!isSecure && !request.path.startsWith("/")) throw routeError("a proxy in the clear");
  if (leadsElsewhere(agent.options, options)) throw routeError("the agent");
  request.once("socket", (socket: Socket & { encrypted?: boolean }) => {
    const check = (): void => {
      if (isSecure ? !socket.encrypted : !isPeer(socket, options)) request.destroy(routeError("the agent"));
    };
    // Node writes nothing before it is connected.
    if (!isSecure && socket.connecting) socket.prependOnceListener("connect", check);
    else check();
  });
}

/** True when the options of an agent, or of an HTTP/2 session, override the host or port of a request. */
function leadsElsewhere(options: object | undefined, to: ClientRequestArgs): boolean {
  const { host, port, socketPath, createConnection } = (options ?? {}) as ClientRequestArgs;
  const isOther = (own: unknown, its: unknown): boolean => own != null && String(own) !== String(its);
  return isOther(host, to.host) || isOther(port, to.port) || Boolean(socketPath ?? createConnection);
}

function isPeer({ remoteAddress = "", remotePort }: Socket, { host, port }: ClientRequestArgs): boolean {
  const isHost = isIP(host ?? "") ? remoteAddress === host : isLoopbackAddress(remoteAddress);
  return isHost && remotePort === Number(port);
}

function routeError(option: string): AxiosError {
  return new AxiosError(
    `The access token was not sent: ${option} leads, or may lead, elsewhere than the URL says.` +
      " A gateway on a loopback address must be reached directly: see `proxy: false` and NO_PROXY.",
    AxiosError.ERR_BAD_OPTION_VALUE,
  );
}
