import type { StoreLock, TokenStore } from "@talkdesk-oauth/core";
import type { Faults } from "./faults.js";
import type { Random } from "./random.js";
import { EPOCH, type SimulatedProcess } from "./simulated-process.js";
import type { VirtualTime } from "./virtual-time.js";

interface Entry {
  readonly value: string;
  readonly version: number;
  readonly fence: number;
  readonly expiresAt: number;
}

interface Holding {
  readonly fence: number;
  readonly until: number;
}

/** Told of what happens in the store. */
export interface StoreObserver {
  onWrite(process: SimulatedProcess, key: string, value: string): void;
  /** An operation of this process failed, was slow, or its answer was lost. */
  onFault(process: SimulatedProcess, key: string): void;
  /** Records and locks of the time before are gone. */
  onLoss(): void;
  /** Told of each operation that reached the store, and of its answer. */
  trace(line: string): void;
}

type Operation = "read" | "write" | "delete" | "lock" | "extend" | "release";

/** One store for all processes, over a network of its own, written from the contract of `TokenStore` alone. */
export interface SimulatedStore {
  connect(process: SimulatedProcess): TokenStore;
  valueOf(key: string): string | undefined;
  /** For this long, operations fail: all of them, or those that write. */
  failFor(durationMs: number, which: "all" | "writes"): void;
  /** All records and locks are gone. */
  flush(): void;
  /** The writes of the last milliseconds are gone, as after a failover. */
  loseLast(durationMs: number): void;
}

const WRITES: readonly Operation[] = ["write", "delete", "lock", "extend", "release"];

export function simulatedStore(
  time: VirtualTime,
  random: Random,
  faults: Faults,
  observer: StoreObserver,
): SimulatedStore {
  let entries = new Map<string, Entry>();
  let holdings = new Map<string, Holding>();
  /** Earlier states, the latest last. */
  const earlier: { at: number; entries: Map<string, Entry>; holdings: Map<string, Holding> }[] = [];
  /** Versions and fences never repeat, whatever is lost. */
  let lastNumber = 0;
  const outage = { until: 0, which: "all" as "all" | "writes" };

  const remember = (): void => {
    earlier.push({ at: time.now, entries: new Map(entries), holdings: new Map(holdings) });
    if (earlier.length > 64) earlier.shift();
  };
  const entryOf = (key: string): Entry | undefined => {
    const entry = entries.get(key);
    return entry === undefined || EPOCH + time.now < entry.expiresAt ? entry : undefined;
  };
  const holdingOf = (key: string): Holding | undefined => {
    const holding = holdings.get(key);
    return holding === undefined || time.now < holding.until ? holding : undefined;
  };

  /** Sends one operation to the store: there and back takes time, and each way may go wrong. */
  function perform<T>(
    process: SimulatedProcess,
    operation: Operation,
    key: string,
    effect: () => T,
  ): Promise<T> {
    const fault = random.chance(faults.store)
      ? random.pick(["fails", "answer lost", "hangs", "hangs after", "slow", "late"] as const)
      : undefined;
    const kill = random.chance(faults.kill) ? random.pick(["before", "after"] as const) : undefined;
    const stop = random.chance(faults.stop) ? random.between(200, 30_000) : undefined;
    // A deletion names no version, so one that comes late would remove a later login as well.
    const isLate = fault === "late" && operation !== "delete";
    const delayMs = isLate
      ? random.between(3_000, 30_000)
      : fault === "slow" || fault === "late"
        ? random.between(100, 3_000)
        : 0;
    const [thereMs, backMs] = [random.between(0.2, 3) + delayMs, random.between(0.2, 3)];
    if (fault !== undefined) observer.onFault(process, key);
    return new Promise((resolve, reject) => {
      time.plan(thereMs, () => {
        const isDown = time.now < outage.until && (outage.which === "all" || WRITES.includes(operation));
        if (fault !== undefined || isDown) observer.onFault(process, key);
        // What was sent before the process died still arrives, unless this is how it died.
        if (kill === "before" && process.isAlive) return process.kill();
        if (isDown || fault === "fails") {
          observer.trace(`process ${process.number} ${operation} ${key}: fails`);
          process.deliver(backMs, () => reject(new Error("The store is down.")));
          return;
        }
        if (fault === "hangs") {
          observer.trace(`process ${process.number} ${operation} ${key}: hangs`);
          return;
        }
        let settle: () => void;
        try {
          const outcome = effect();
          observer.trace(
            `process ${process.number} ${operation} ${key}: ${describe(outcome)}${fault ? `, ${fault}` : ""}${kill ? ", then killed" : ""}${stop ? `, then stopped for ${Math.round(stop)} ms` : ""}`,
          );
          settle = () => resolve(outcome);
        } catch (error) {
          settle = () => reject(error);
        }
        if (kill === "after") process.kill();
        if (stop !== undefined && process.isAlive) process.stopFor(stop);
        if (fault === "answer lost") settle = () => reject(new Error("The answer was lost."));
        if (fault !== "hangs after") process.deliver(backMs, settle);
      });
    });
  }

  function lockOf(process: SimulatedProcess, key: string, fence: number): StoreLock {
    return {
      fence,
      extend: (ttlMs) =>
        perform(process, "extend", key, () => {
          if (holdingOf(key)?.fence !== fence) return false;
          remember();
          holdings.set(key, { fence, until: time.now + ttlMs });
          return true;
        }),
      release: () =>
        perform(process, "release", key, () => {
          if (holdings.get(key)?.fence !== fence) return;
          remember();
          holdings.delete(key);
        }),
    };
  }

  return {
    connect: (process) => ({
      read: (key) =>
        perform(process, "read", key, () => {
          const entry = entryOf(key);
          return entry && { value: entry.value, version: entry.version };
        }),
      write: (key, value, { expectedVersion, fence, expiresAt = Number.POSITIVE_INFINITY }) =>
        perform(process, "write", key, () => {
          const entry = entryOf(key);
          if ((entry?.version ?? 0) !== expectedVersion) return undefined;
          if (fence !== undefined && fence < (entry?.fence ?? 0)) return undefined;
          remember();
          lastNumber += 1;
          entries.set(key, { value, version: lastNumber, fence: fence ?? entry?.fence ?? 0, expiresAt });
          observer.onWrite(process, key, value);
          return lastNumber;
        }),
      delete: (key) =>
        perform(process, "delete", key, () => {
          remember();
          entries.delete(key);
        }),
      lock: (key, { ttlMs, signal }) =>
        perform(process, "lock", key, () => {
          signal?.throwIfAborted();
          if (holdingOf(key) !== undefined) return undefined;
          remember();
          lastNumber += 1;
          holdings.set(key, { fence: lastNumber, until: time.now + ttlMs });
          return lockOf(process, key, lastNumber);
        }),
    }),
    valueOf: (key) => entryOf(key)?.value,
    failFor(durationMs, which) {
      outage.until = time.now + durationMs;
      outage.which = which;
    },
    flush() {
      observer.onLoss();
      entries.clear();
      holdings.clear();
      earlier.length = 0;
    },
    loseLast(durationMs) {
      const at = earlier.findIndex((state) => state.at >= time.now - durationMs);
      const [state] = at === -1 ? [] : earlier.splice(at);
      if (state === undefined) return;
      observer.onLoss();
      ({ entries, holdings } = state);
    },
  };
}

/** A record in a few words. */
function describe(outcome: unknown): string {
  const { value, version } = Object(outcome) as { readonly value?: string; readonly version?: number };
  if (value === undefined) return JSON.stringify(outcome) ?? "nothing";
  const { refreshToken, source } = JSON.parse(value) as {
    readonly refreshToken?: string;
    readonly source?: { readonly attempt?: string; readonly dead?: string };
  };
  return `version ${version} with ${refreshToken}${source?.attempt ? ", marked" : ""}${source?.dead ? ", dead" : ""}`;
}
