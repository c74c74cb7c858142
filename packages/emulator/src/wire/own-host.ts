import type { IncomingMessage } from "node:http";

const loopbackName = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?$/i;

/**
 * Tells whether the `Host` of a request names this machine and the port that it came to.
 *
 * Any other name is refused: a web page whose own name was made to lead here (DNS rebinding) could otherwise read what
 * the emulator says, and the real gateways refuse it as well.
 */
export function namesThisServer({ rawHeaders, socket }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter((_, index) => index % 2 === 1 && isHostName(rawHeaders[index - 1]));
  const [host = ""] = hosts;
  const match = hosts.length === 1 ? loopbackName.exec(host) : null;
  return match !== null && Number(match[1] ?? 80) === socket.localPort;
}

function isHostName(name: string | undefined): boolean {
  return name?.toLowerCase() === "host";
}
