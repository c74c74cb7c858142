import type { Socket } from "node:net";

/** The TCP connections beneath encrypted ones, which can be reset. */
const tcpSockets = new WeakMap<Socket, Socket>();

/** Remembers the TCP connection beneath an encrypted one. */
export function noteTcpSocket(encrypted: Socket, tcp: Socket): void {
  tcpSockets.set(encrypted, tcp);
}

/** Resets a connection, so that its client sees `ECONNRESET`. */
export function resetConnection(socket: Socket | null): void {
  if (socket !== null) (tcpSockets.get(socket) ?? socket).resetAndDestroy();
}
