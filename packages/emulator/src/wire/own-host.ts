import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";

const LOOPBACK_NAME = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?$/i;

/**
 * Tells whether the `Host` header of a request names this machine and the port that the request came to.
 *
 * Requests with another name are refused. Otherwise a web page could read answers of the emulator by DNS rebinding: its
 * own host name would lead to this machine. The real gateways refuse foreign names as well.
 */
export function namesThisServer({ rawHeaders, socket }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter((_, index) => index % 2 === 1 && isHostName(rawHeaders[index - 1]));
  const [host = ""] = hosts;
  const match = hosts.length === 1 ? LOOPBACK_NAME.exec(host) : null;
  const defaultPort = socket instanceof TLSSocket ? 443 : 80;
  return match !== null && Number(match[1] ?? defaultPort) === socket.localPort;
}

function isHostName(name: string | undefined): boolean {
  return name?.toLowerCase() === "host";
}
