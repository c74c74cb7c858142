import http, { type ClientRequest, type ClientRequestArgs } from "node:http";
import https from "node:https";
import { isIP, type Socket } from "node:net";
import { AxiosError, type InternalAxiosRequestConfig } from "axios";

/** What Node calls when it sends a request over an agent, which its types leave out. */
interface Agent {
  readonly options?: ClientRequestArgs;
  addRequest(request: ClientRequest, options: ClientRequestArgs, ...more: unknown[]): void;
}

/**
 * Sees to it that a request with a token goes where its URL says: over TLS, or directly to a loopback address. A proxy
 * that tunnels is fine, since the token passes it encrypted.
 *
 * @returns What to send in the place of the caller's.
 * @throws AxiosError when an option may lead elsewhere.
 */
export function guardedRoute(
  url: URL,
  config: InternalAxiosRequestConfig,
): Partial<InternalAxiosRequestConfig> {
  const isSecure = url.protocol === "https:";
  const { transport, httpAgent, httpsAgent, lookup } = config;
  const { httpVersion, http2Options } = config as { httpVersion?: unknown; http2Options?: object };
  if (transport && transport.request !== (isSecure ? https : http).request) throw notSent("`transport`");
  if (Number(httpVersion) === 2) {
    if (leadsElsewhere(http2Options, {})) throw notSent("`http2Options`");
    if (lookup && !isSecure) throw notSent("`lookup`");
  }
  if (isSecure) return httpsAgent ? { httpsAgent: guarded(httpsAgent) } : {};
  // False asks for an agent of its own.
  return { httpAgent: guarded(httpAgent === false ? new http.Agent() : (httpAgent ?? http.globalAgent)) };
}

const guards = new WeakMap<object, Agent>();

/** The same agent, with a look at each request that has an `Authorization`, and at the socket that it gets. */
function guarded(agent: Agent): Agent {
  let guard = guards.get(agent);
  if (guard === undefined) {
    const addRequest: Agent["addRequest"] = (request, options, ...more) => {
      if (request.hasHeader("authorization")) watch(agent, request, options);
      agent.addRequest(request, options, ...more);
    };
    guard = new Proxy(agent, {
      get: (target, name) => (name === "addRequest" ? addRequest : Reflect.get(target, name)),
    });
    guards.set(agent, guard);
  }
  return guard;
}

function watch(agent: Agent, request: ClientRequest, options: ClientRequestArgs): void {
  const isSecure = request.protocol === "https:";
  // The form for a proxy, which reads all of it.
  if (!isSecure && !request.path.startsWith("/")) throw notSent("a proxy in the clear");
  if (leadsElsewhere(agent.options, options)) throw notSent("the agent");
  request.once("socket", (socket: Socket & { encrypted?: boolean }) => {
    const check = (): void => {
      if (isSecure ? !socket.encrypted : !isPeer(socket, options)) request.destroy(notSent("the agent"));
    };
    // Nothing is written before that.
    if (!isSecure && socket.connecting) socket.prependOnceListener("connect", check);
    else check();
  });
}

/** What an agent, or a session of HTTP/2, has of these counts more than the URL. */
function leadsElsewhere(options: object | undefined, to: ClientRequestArgs): boolean {
  const { host, port, socketPath, createConnection } = (options ?? {}) as ClientRequestArgs;
  const isOther = (own: unknown, its: unknown): boolean => own != null && String(own) !== String(its);
  return isOther(host, to.host) || isOther(port, to.port) || Boolean(socketPath ?? createConnection);
}

function isPeer({ remoteAddress = "", remotePort }: Socket, { host, port }: ClientRequestArgs): boolean {
  const isThere = isIP(host ?? "") ? remoteAddress === host : /^(::ffff:)?127\.|^::1$/.test(remoteAddress);
  return isThere && remotePort === Number(port);
}

function notSent(option: string): AxiosError {
  return new AxiosError(
    `The access token was not sent: ${option} leads, or may lead, elsewhere than the URL says.` +
      " A gateway on a loopback address must be reached directly: see `proxy: false` and NO_PROXY.",
    AxiosError.ERR_BAD_OPTION_VALUE,
  );
}
