import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** What a build makes of the portal. */
const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** The portal in a process of its own. Disposing kills it. */
export interface PortalProcess extends AsyncDisposable {
  readonly origin: string;
  /** What it has printed so far. */
  readonly lines: readonly string[];
  /** Sends a signal, and waits for the end: its exit code, or the signal that ended it. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<number | string>;
}

/** Starts the portal with these variables alone, and waits until it listens. */
export async function startPortalProcess(env: Readonly<Record<string, string>>): Promise<PortalProcess> {
  const child = spawn(process.execPath, [MAIN], { env: { ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  const origin = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      const [, found] = /^The partner portal is at (\S+)$/.exec(line) ?? [];
      if (found !== undefined) resolve(found);
    });
    void ended.then((end) => reject(new Error(`The portal ended with ${end}: ${lines.join("\n")}`)));
  });
  async function end(signal: NodeJS.Signals): Promise<number | string> {
    child.kill(signal);
    return ended;
  }
  return { origin, lines, end, [Symbol.asyncDispose]: async () => void (await end("SIGKILL")) };
}
