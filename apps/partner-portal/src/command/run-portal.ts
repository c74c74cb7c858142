import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createPortal, type PortalOptions } from "../portal.js";
import { StoredSessions } from "../sessions/stored-sessions.js";
import { LINGER_MS } from "./emulator-process.js";
import { formatLogLine } from "./log-line.js";
import { openPortalData, type PortalData } from "./portal-data.js";
import { openService } from "./service.js";
import { type Environment, namesTalkdesk, readSettings } from "./settings.js";

/** Options of {@link runPortal}. */
export interface PortalRun {
  readonly args: readonly string[];
  readonly env: Environment;
  /** The folder for sessions and tokens, unless `PORTAL_DATA` names another. */
  readonly dataFolder: string;
  /** The script that is an emulator in a process of its own, for the users to stay signed in after a restart. */
  readonly emulatorScript: string;
  /** Called with each line of normal output. */
  readonly write: (line: string) => void;
  /** Called with each line about a failure. */
  readonly complain: (line: string) => void;
  /** Stops the portal. */
  readonly signal: AbortSignal;
}

const DEFAULT_PORT = 3000;

/**
 * Runs the portal on this machine until the signal aborts.
 *
 * @returns The exit code: 0, or 1 when the portal could not start. `complain` has been called with the reason then.
 */
export async function runPortal({ args, env, write, complain, signal, ...run }: PortalRun): Promise<number> {
  const server = createServer();
  const onFailure = (error: unknown): void => complain(formatLogLine(error));
  try {
    const { contact, secrets, inMemory, ...settings } = readSettings(args, env);
    const dataFolder = settings.dataFolder ?? run.dataFolder;
    const data = inMemory ? undefined : await openPortalData(dataFolder, secrets);
    const place = data && { folder: dataFolder, script: run.emulatorScript };
    await using service = await openService(env, place);
    const port = await listen(server, settings.port, namesTalkdesk(env));
    const origin = settings.origin ?? `http://localhost:${port}`;
    server.on(
      "request",
      createPortal({
        client: await service.clientFor(`${origin}/auth/callback`),
        origin,
        contact,
        ...(data ? storesIn(data, onFailure) : { sessionSecret: inventWhenEmpty(secrets) }),
        onFailure,
      }),
    );
    write(`The partner portal is at ${origin}`);
    write(
      data ? `Sessions are kept in ${data.file}` : "Sessions are kept in memory, and end with the portal.",
    );
    if (data?.hasOtherSecret) complain(describeOtherSecret(data));
    if (service.isEmulated) {
      write("It uses an emulator of Talkdesk on this machine. You can sign in as any of its users.");
      if (data) write(`The emulator runs for ${LINGER_MS / 60_000} minutes longer than the portal.`);
    } else {
      write(`Register this redirect URI at Talkdesk: ${origin}/auth/callback`);
    }
    write("Press Ctrl-C to stop it.");
    if (!signal.aborted) await once(signal, "abort");
    await close(server);
    return 0;
  } catch (error) {
    await close(server);
    complain(formatLogLine(error));
    return 1;
  }
}

function storesIn(
  { store, secrets }: PortalData,
  onFailure: (error: unknown) => void,
): Pick<PortalOptions, "sessionSecret" | "sessionStore" | "tokenStore"> {
  return { sessionSecret: secrets, sessionStore: new StoredSessions(store, onFailure), tokenStore: store };
}

/** The secrets that sign cookies, or a random one, which ends with the process as the sessions do. */
const inventWhenEmpty = (secrets: readonly string[]): readonly string[] =>
  secrets.length > 0 ? secrets : [randomBytes(32).toString("base64url")];

const describeOtherSecret = ({ file }: PortalData): string =>
  `${file} was written with another secret, so everybody has to sign in again. Nothing was deleted: to read what is in it, give the earlier secret, or both, in PORTAL_SESSION_SECRET.`;

/**
 * Listens on the wanted port, or on the default one. If the default port is in use, takes any free port, unless the
 * redirect URI is registered for it.
 */
async function listen(server: Server, wanted: number | undefined, isRegistered: boolean): Promise<number> {
  const listenAt = async (port: number): Promise<number> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  try {
    return await listenAt(wanted ?? DEFAULT_PORT);
  } catch (error) {
    if (Object(error).code !== "EADDRINUSE") throw error;
    if (wanted === undefined && !isRegistered) return listenAt(0);
    throw new TypeError(`Port ${wanted ?? DEFAULT_PORT} is in use; set PORTAL_PORT to another.`);
  }
}

/** Stops listening, and cuts open connections: the events of a report can go on for half an hour. */
async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
