import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { Emulator } from "@talkdesk-oauth/emulator";
import { exportCalls } from "../../src/export-calls.js";

/** The visible result of one run. */
interface Outcome {
  readonly code: number;
  readonly lines: readonly string[];
  readonly complaints: readonly string[];
  /** The waits in milliseconds. The clock of the tests skips them. */
  readonly waits: readonly number[];
}

interface RunOptions {
  readonly stallMs?: number;
  /** Called at each wait with its index. */
  onWait?(index: number, stop: () => void): unknown;
  onLine?(line: string, stop: () => void): unknown;
}

/** A temporary folder, and runs of the command in it. */
export interface Workplace extends AsyncDisposable {
  readonly out: string;
  run(args?: readonly string[], options?: RunOptions): Promise<Outcome>;
  files(): Promise<string[]>;
  read(ending?: string): Promise<Buffer>;
  /** The permissions of the file. */
  mode(): Promise<number>;
}

/** Makes a {@link Workplace}; disposing deletes the folder. */
export async function workplace(env: Readonly<Record<string, string | undefined>>): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), "export-calls-"));
  const out = join(folder, "calls.csv");
  return {
    out,
    async run(args = [], { stallMs, onWait, onLine } = {}) {
      const lines: string[] = [];
      const complaints: string[] = [];
      const waits: number[] = [];
      const stopping = new AbortController();
      const stop = (): void => stopping.abort();
      let now = 0;
      const code = await exportCalls({
        args: [...(args.includes("--out") ? [] : ["--out", out]), ...args],
        env,
        signal: stopping.signal,
        output: {
          line(text) {
            lines.push(text);
            onLine?.(text, stop);
          },
          end: () => undefined,
        },
        complain: (line) => complaints.push(line),
        clock: {
          now: () => now,
          async sleep(ms, signal) {
            onWait?.(waits.length, stop);
            waits.push(ms);
            now += ms;
            await turn();
            signal.throwIfAborted();
          },
        },
        ...(stallMs !== undefined && { stallMs }),
      });
      return { code, lines, complaints, waits };
    },
    files: async () => (await readdir(folder)).sort(),
    read: (ending = "") => readFile(`${out}${ending}`),
    mode: async () => (await stat(out)).mode,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** Downloads the file from the signed address of the last request. */
export async function downloadServedFile(talkdesk: Emulator): Promise<Buffer> {
  talkdesk.faults.clear();
  const request = talkdesk.requests.to("files").at(-1);
  const response = await fetch(`http://${request?.headers["host"]}${request?.url}`);
  return Buffer.from(await response.arrayBuffer());
}

/** Lists method, path and status of the requests to the gateway, with `ID` for the id of the job. */
export function listGatewayCalls(talkdesk: Emulator): string[] {
  return talkdesk.requests
    .to("api")
    .map(({ method, url, status }) => `${method} ${url.replace(/[0-9a-f]{32}/, "ID")} ${status}`);
}

/** Lists the `Range` of each request for the file; undefined for a request without one. */
export function listRanges(talkdesk: Emulator): (string | undefined)[] {
  return talkdesk.requests.to("files").map(({ headers }) => headers["range"]);
}
