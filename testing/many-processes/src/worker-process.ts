import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { SETTINGS_VARIABLE } from "./worker-messages.js";

/** A process of its own that runs one of the workers of this package. */
export interface WorkerProcess {
  readonly pid: number;
  send(message: unknown): void;
  /** Calls `listener` with each message. */
  onMessage(listener: (message: unknown) => void): void;
  /** Resolves to the next message. Rejects when the process ends first. */
  nextMessage(): Promise<unknown>;
  /** SIGKILL, SIGSTOP or SIGCONT. */
  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
  readonly hasEnded: boolean;
}

/** Starts a worker that was built to `dist`. */
export function startWorker(name: "cold-worker" | "chaos-worker", settings: object): WorkerProcess {
  const child: ChildProcess = fork(fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url)), {
    env: { ...process.env, NODE_OPTIONS: "", [SETTINGS_VARIABLE]: JSON.stringify(settings) },
    // The options of the test runner are not the worker's.
    execArgv: [],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  let hasEnded = false;
  const ended = once(child, "exit").then(() => {
    hasEnded = true;
  });
  return {
    pid: child.pid ?? 0,
    send: (message) => void (child.connected && child.send(message as object, () => {})),
    onMessage: (listener) => void child.on("message", listener),
    async nextMessage() {
      const message = once(child, "message").then(([first]) => first as unknown);
      const end = ended.then(() => {
        throw new Error(`A process of ${name} ended before it answered.`);
      });
      return Promise.race([message, end]);
    },
    signal: (name) => void (!hasEnded && child.kill(name)),
    ended,
    get hasEnded() {
      return hasEnded;
    },
  };
}
