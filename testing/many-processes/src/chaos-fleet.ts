import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChaosSettings, Order, Report } from "./chaos-worker.js";
import { type SeededRandom, seededRandom } from "./seeded-random.js";
import { startWorker, type WorkerProcess } from "./worker-process.js";

/** When a process was killed, or stopped and continued. Times are epoch milliseconds. */
export interface Incident {
  readonly process: string;
  readonly kind: "kill" | "stop";
  readonly at: number;
  /** When it continued; never, after a kill. */
  until: number;
}

/** One process of the fleet; a new one takes its slot after it was killed. */
interface Member {
  readonly name: string;
  readonly slot: number;
  readonly logFile: string;
  readonly worker: WorkerProcess;
  state: "starting" | "running" | "stopped" | "dead";
  /** The orders that it has not carried out, by their ids. */
  readonly orders: Map<number, (isDone: boolean) => void>;
}

export interface Fleet extends Disposable {
  /** Resolves when all processes take orders. */
  ready(): Promise<void>;
  /** Lets all processes, and those that start later, ask for tokens. */
  ask(): void;
  /** Kills a process and starts another in its slot. Does nothing when too many are away already. */
  kill(name: string | undefined, restartAfterMs: number): void;
  stop(name: string | undefined, forMs: number): void;
  /** Gives an order to a process that runs. Resolves to the name of the process, and whether it has carried it out. */
  give(
    order:
      | { readonly order: "start"; readonly key: string; readonly token: string }
      | { readonly order: "end"; readonly key: string },
    onGiven?: (process: string) => void,
  ): Promise<boolean>;
  /** Waits for stopped processes to continue, and lets all end by themselves. */
  finish(): Promise<void>;
  readonly incidents: readonly Incident[];
  readonly logFiles: ReadonlyMap<string, string>;
  /** Processes that ended by themselves before they were told to. */
  readonly crashes: readonly string[];
}

/** So many processes may be stopped or dead at a time. */
const MAX_AWAY = 4;

export function startFleet(
  size: number,
  folder: string,
  settings: Omit<ChaosSettings, "name" | "logFile" | "seed" | "asksAtOnce">,
  random: SeededRandom,
  onOver: (key: string, startedAt: number) => void,
): Fleet {
  const members: Member[] = [];
  const incidents: Incident[] = [];
  const logFiles = new Map<string, string>();
  const crashes: string[] = [];
  const tasks: Promise<void>[] = [];
  let starts = 0;
  let orders = 0;
  let isAsking = false;
  let isFinishing = false;

  function start(slot: number): Member {
    starts += 1;
    const name = `p${slot}.${starts}`;
    const logFile = join(folder, `${name}.log`);
    const seed = Math.floor(random.between(0, 2 ** 32));
    const worker = startWorker("chaos-worker", {
      ...settings,
      name,
      logFile,
      seed,
      asksAtOnce: isAsking,
    } satisfies ChaosSettings);
    const member: Member = { name, slot, logFile, worker, state: "starting", orders: new Map() };
    logFiles.set(name, logFile);
    members[slot] = member;
    worker.onMessage((message) => {
      const report = message as Report;
      if (report.report === "ready") {
        if (member.state === "starting") member.state = "running";
      } else if (report.report === "over") {
        onOver(report.key, report.startedAt);
      } else {
        member.orders.get(report.id)?.(true);
        member.orders.delete(report.id);
      }
    });
    void worker.ended.then(() => {
      if (member.state !== "dead" && !isFinishing) crashes.push(name);
      member.state = "dead";
      for (const settle of member.orders.values()) settle(false);
      member.orders.clear();
    });
    return member;
  }

  const choices = seededRandom(Math.floor(random.between(0, 2 ** 32)));
  const running = (): Member[] => members.filter(({ state }) => state === "running");
  function choose(name: string | undefined): Member | undefined {
    if (members.length - running().length >= MAX_AWAY) return undefined;
    // The process that was meant may be stopped or dead by now.
    return running().find((member) => member.name === name) ?? choices.pick(running());
  }

  for (let slot = 0; slot < size; slot += 1) start(slot);

  async function ready(): Promise<void> {
    while (members.some(({ state }) => state === "starting")) await sleep(20);
  }

  return {
    incidents,
    logFiles,
    crashes,
    ready,
    ask() {
      isAsking = true;
      for (const { worker } of members) worker.send({ order: "ask" } satisfies Order);
    },
    kill(name, restartAfterMs) {
      const member = choose(name);
      if (member === undefined) return;
      member.state = "dead";
      incidents.push({ process: member.name, kind: "kill", at: Date.now(), until: Number.POSITIVE_INFINITY });
      member.worker.signal("SIGKILL");
      tasks.push(
        sleep(restartAfterMs).then(() => {
          if (!isFinishing) start(member.slot);
        }),
      );
    },
    stop(name, forMs) {
      const member = choose(name);
      if (member === undefined) return;
      member.state = "stopped";
      const incident: Incident = {
        process: member.name,
        kind: "stop",
        at: Date.now(),
        until: Number.POSITIVE_INFINITY,
      };
      incidents.push(incident);
      member.worker.signal("SIGSTOP");
      tasks.push(
        sleep(forMs).then(() => {
          member.worker.signal("SIGCONT");
          incident.until = Date.now();
          member.state = "running";
        }),
      );
    },
    async give(order, onGiven) {
      while (running().length === 0) await sleep(20);
      const member = choices.pick(running());
      orders += 1;
      const id = orders;
      const done = new Promise<boolean>((resolve) => member.orders.set(id, resolve));
      onGiven?.(member.name);
      member.worker.send({ ...order, id } as Order);
      return done;
    },
    async finish() {
      isFinishing = true;
      await Promise.all(tasks);
      await ready();
      for (const { worker } of members) worker.send({ order: "finish" } satisfies Order);
      await Promise.all(members.map(({ worker }) => worker.ended));
    },
    [Symbol.dispose]() {
      isFinishing = true;
      for (const { worker } of members) worker.signal("SIGKILL");
    },
  };
}
