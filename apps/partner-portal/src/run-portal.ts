import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { isTalkdeskError } from "@talkdesk-oauth/core";
import { ApiFailure } from "./api-call.js";
import { createPortal } from "./portal.js";
import { openService } from "./service.js";
import { type Environment, namesTalkdesk, readSettings } from "./settings.js";

/** What running the portal takes. */
export interface PortalRun {
  readonly env: Environment;
  /** Told each line that is for people. */
  readonly write: (line: string) => void;
  /** Told each line about something that went wrong. */
  readonly complain: (line: string) => void;
  /** Stops the portal. */
  readonly signal: AbortSignal;
}

const usualPort = 3000;

/**
 * Runs the portal on this machine until it is stopped.
 *
 * @returns The exit code: 0, or 1 when it could not start, with one sentence that says why.
 */
export async function runPortal({ env, write, complain, signal }: PortalRun): Promise<number> {
  const server = createServer();
  try {
    const settings = readSettings(env);
    await using service = await openService(env);
    const port = await listen(server, settings.port, namesTalkdesk(env));
    const origin = settings.origin ?? `http://localhost:${port}`;
    const { contact, sessionSecret } = settings;
    server.on(
      "request",
      createPortal({
        client: service.clientFor(`${origin}/auth/callback`),
        origin,
        contact,
        sessionSecret,
        onFailure: (error) => complain(lineOf(error)),
      }),
    );
    write(`The partner portal is at ${origin}`);
    write(
      service.isEmulated
        ? "It uses an emulator of Talkdesk on this machine: any of its users may sign in, nothing in it is real."
        : `Its redirect URI, to be registered at Talkdesk, is ${origin}/auth/callback`,
    );
    write("Ctrl-C stops it.");
    if (!signal.aborted) await once(signal, "abort");
    await close(server);
    return 0;
  } catch (error) {
    await close(server);
    complain(lineOf(error));
    return 1;
  }
}

/** Takes the port asked for; else the usual one, or any where the address is known to nobody yet. */
async function listen(server: Server, wanted: number | undefined, mustBeKnown: boolean): Promise<number> {
  const listenAt = async (port: number): Promise<number> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  try {
    return await listenAt(wanted ?? usualPort);
  } catch (error) {
    if (Object(error).code !== "EADDRINUSE") throw error;
    if (wanted === undefined && !mustBeKnown) return listenAt(0);
    throw new TypeError(`Port ${wanted ?? usualPort} is in use; set PORTAL_PORT to another.`);
  }
}

/** Takes no more requests, and cuts those that would go on for long, such as a report that is being watched. */
async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

/** One line about an error. What is not ours may quote anything in its message, so that is left out. */
function lineOf(error: unknown): string {
  if (isTalkdeskError(error)) return [`${error.code}: ${error.message}`, ...error.hints].join(" ");
  if (error instanceof ApiFailure || error instanceof TypeError) return error.message;
  const { name = "Error", code, stack = "" } = Object(error) as NodeJS.ErrnoException;
  const place = /\n\s+(at .*)/.exec(stack)?.[1] ?? "";
  return [name, code, place].filter(Boolean).join(" ");
}
