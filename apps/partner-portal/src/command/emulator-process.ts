import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type EmulatorOptions, startEmulator } from "@talkdesk-oauth/emulator";
import { createFile } from "./create-file.js";
import type { Environment } from "./settings.js";

/** People sign in on a page. A report takes about half a minute and has a few megabytes, so that they can watch it. */
export const EMULATOR_OPTIONS: EmulatorOptions = { login: "page", reportPolls: 9, reportRows: 17_000 };

/** Long enough to start the portal again, and short enough not to be forgotten. */
export const LINGER_MS = 15 * 60_000;

/** Tells a portal that the port is an emulator's: another program may have got it since. */
const GREETING = "An emulator for portals.";

/** Another program on the port may never answer. */
const ANSWER_MS = 5_000;

/** Where portals find the port of the emulator, and people its process. */
const fileIn = (folder: string): string => join(folder, "emulator.json");

/**
 * Runs an emulator that portals find by a file in their folder. It lives as long as a portal is connected and a while
 * longer, so that a portal that starts again finds the logins of its users. Resolves when the emulator has ended, or at once
 * when another runs already.
 *
 * A portal sends its redirect URI in a line, and gets the variables of the emulator's client in a line.
 *
 * @param onReady Called with the port to connect to.
 */
export async function hostEmulator(
  folder: string,
  onReady: (port: number) => void,
  lingerMs: number = LINGER_MS,
): Promise<void> {
  await using talkdesk = await startEmulator(EMULATOR_OPTIONS);
  const { clientId, clientSecret } = talkdesk.clients.get();
  const redirectUris = new Set<string>();

  /** Registers a redirect URI of the one client, to which the tokens of all portals belong. */
  function register(redirectUri: string): Environment {
    redirectUris.add(redirectUri);
    talkdesk.clients.remove(clientId);
    talkdesk.clients.add({ clientId, clientSecret, redirectUris: [...redirectUris] });
    return talkdesk.environment();
  }

  let leave: () => void = () => undefined;
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  let timer: NodeJS.Timeout | undefined;
  let portals = 0;
  const server = createServer((portal) => {
    portals += 1;
    clearTimeout(timer);
    portal.on("error", () => undefined);
    portal.on("close", () => {
      portals -= 1;
      if (portals === 0) timer = setTimeout(leave, lingerMs);
    });
    portal.write(`${GREETING}\n`);
    createInterface({ input: portal }).on("line", (redirectUri) => {
      portal.write(`${JSON.stringify(register(redirectUri))}\n`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const other = await announce(folder, port);
  if (other !== port) {
    server.close();
    onReady(other);
    return;
  }
  timer = setTimeout(leave, lingerMs);
  onReady(port);

  await left;
  server.close();
  await rm(fileIn(folder), { force: true });
}

/**
 * Tells portals the port by the file. If an emulator that runs has just done so, because two portals started at the same
 * time, its port is given and the file stays.
 */
async function announce(folder: string, port: number): Promise<number> {
  const file = fileIn(folder);
  while (!(await createFile(file, JSON.stringify({ port, pid: process.pid })))) {
    const other = await readPort(folder);
    using running = await tryPort(other);
    if (running !== undefined) return other;
    // An emulator has left it that did not end by itself.
    await rm(file, { force: true });
  }
  return port;
}

/** A connection to an emulator in a process of its own. The emulator counts as in use until it is disposed of. */
export interface EmulatorConnection extends Disposable {
  /** Registers a redirect URI, and gives the `TALKDESK_` variables of its client. */
  register(redirectUri: string): Promise<Environment>;
}

/**
 * Connects to the emulator of an earlier start, if it still runs; otherwise starts one.
 *
 * @param folder Where its file is.
 * @param script The script that runs {@link hostEmulator} in the folder that is its argument.
 */
export async function connectToEmulator(folder: string, script: string): Promise<EmulatorConnection> {
  const connection = (await tryPort(await readPort(folder))) ?? (await tryPort(await start(folder, script)));
  if (connection === undefined) throw new TypeError("The emulator ended as soon as it had started.");
  return connection;
}

async function readPort(folder: string): Promise<number> {
  try {
    return Number(JSON.parse(await readFile(fileIn(folder), "utf8")).port);
  } catch {
    return 0;
  }
}

/** Starts an emulator that outlives this process, Ctrl-C included. Resolves to its port. */
async function start(folder: string, script: string): Promise<number> {
  const child = spawn(process.execPath, [script, folder], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, "line"), once(lines, "close")]);
  child.stdout.destroy();
  child.unref();
  return Number(line ?? 0);
}

/** Connects to the emulator on a port; undefined when there is none. */
async function tryPort(port: number): Promise<EmulatorConnection | undefined> {
  if (port === 0) return undefined;
  const socket = connect(port, "127.0.0.1");
  // An error is followed by the event `close`, which readLine() notices.
  socket.on("error", () => undefined);
  if ((await readLine(socket)) !== GREETING) {
    socket.destroy();
    return undefined;
  }
  return {
    async register(redirectUri) {
      socket.write(`${redirectUri}\n`);
      const line = await readLine(socket);
      if (line === undefined) throw new TypeError("The emulator has ended. Start the portal again.");
      return JSON.parse(line) as Environment;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** Reads the next line. Undefined when none comes. */
function readLine(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const timer = setTimeout(finish, ANSWER_MS);
    socket.on("data", take).on("close", finish);
    function take(chunk: Buffer): void {
      text += chunk.toString();
      if (text.endsWith("\n")) finish(text.trimEnd());
    }
    function finish(line?: unknown): void {
      clearTimeout(timer);
      socket.off("data", take).off("close", finish);
      resolve(typeof line === "string" ? line : undefined);
    }
  });
}
