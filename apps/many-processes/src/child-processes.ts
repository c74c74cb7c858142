import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { CALLS, type Told } from "./call-when-told.js";

/** A process of the example. */
export interface Child {
  readonly name: string;
  /** The address of the portal. */
  readonly origin: string | undefined;
  /** How many calls it was told to make. */
  readonly calls: number;
  /** How many of them were answered with 200. */
  readonly answered: number;
  readonly isAlive: boolean;
  /** Ends the process at once, whatever it is doing. */
  kill(): void;
}

/** The processes of one run. Disposing kills them. */
export interface ChildProcesses extends AsyncDisposable {
  readonly all: readonly Child[];
  /** Starts `portal.js` or `worker.js`; resolves when it is ready. */
  start(script: "portal" | "worker", name: string): Promise<Child>;
  /** Has all processes make calls at the same time; resolves when each has told the result, or has ended. */
  makeCalls(): Promise<void>;
}

/** @param signal Kills the processes, and starts no more. */
export function childProcesses(env: NodeJS.ProcessEnv, signal: AbortSignal): ChildProcesses {
  const all: (Child & { makeCalls(): Promise<void> })[] = [];
  const killAll = (): void => {
    for (const child of all) child.kill();
  };
  signal.addEventListener("abort", killAll);
  return {
    all,
    async start(script, name) {
      const child = fork(fileURLToPath(new URL(`./${script}.js`, import.meta.url)), { env, signal });
      child.on("error", () => undefined);
      const ready = await nextMessage(child);
      if (ready === undefined) throw new Error(`The process ${name} ended before it was ready.`);
      let [calls, answered] = [0, 0];
      const started = {
        name,
        origin: ready.origin,
        get calls() {
          return calls;
        },
        get answered() {
          return answered;
        },
        get isAlive() {
          return child.connected && !child.killed;
        },
        async makeCalls() {
          calls += CALLS;
          child.send("make calls");
          answered += (await nextMessage(child))?.answered ?? 0;
        },
        kill: () => void child.kill("SIGKILL"),
      };
      all.push(started);
      return started;
    },
    async makeCalls() {
      const alive = all.filter(({ isAlive }) => isAlive);
      await Promise.all(alive.map((child) => child.makeCalls()));
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener("abort", killAll);
      killAll();
    },
  };
}

/** What a process tells next; undefined when it ends. */
async function nextMessage(child: ChildProcess): Promise<Told | undefined> {
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    const told = once(child, "message", { signal });
    const [value] = await Promise.race([told, once(child, "exit", { signal })]);
    return typeof value === "object" && value !== null ? (value as Told) : undefined;
  } finally {
    waiting.abort();
  }
}
