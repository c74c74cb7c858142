import type { SimulatedProcess } from "./simulated-process.js";
import type { VirtualTime } from "./virtual-time.js";

/** A login: the refresh tokens that succeed one another, of which the last is good. */
export interface Family {
  readonly key: string;
  /** The refresh token that the token endpoint accepts; undefined once the family was revoked. */
  valid: string | undefined;
  /** The last exchange that the token endpoint made. */
  last: Sending | undefined;
  /** The access token of the login, and the process that was told to store it. */
  readonly loginToken: string;
  readonly process: SimulatedProcess;
  readonly startedAt: number;
  /** A logout that has begun, or has been confirmed. */
  end: "begun" | "confirmed" | undefined;
}

/** A refresh token on its way to the token endpoint, and what became of it. */
export interface Sending {
  readonly process: SimulatedProcess;
  readonly family: Family;
  readonly refreshToken: string;
  readonly sentAt: number;
  /** Whether the network or the token endpoint did anything but answer soon. */
  isDisturbed: boolean;
  /** The successor, once the token endpoint has exchanged the refresh token. */
  successor: string | undefined;
  /** When the process learnt how it ended, and what it learnt. */
  settledAt: number | undefined;
  learnt: "exchanged" | "not exchanged" | "refused" | "unknown" | undefined;
  /** When a successor has reached the store. */
  storedAt: number | undefined;
}

/** What has happened to every refresh token, with the judgement of it. */
export interface Ledger {
  readonly violations: readonly string[];
  /** Records that a promise was broken. */
  blame(what: string): void;
  startFamily(family: Pick<Family, "key" | "loginToken" | "process"> & { readonly valid: string }): void;
  /** The login that a refresh token belongs to. */
  familyOf(refreshToken: string): Family | undefined;
  /** The latest login of a key. */
  latest(key: string): Family | undefined;
  /** When the store took a token; undefined while it has not. */
  storedAt(value: string): number | undefined;
  /** Judges whether the refresh token may be sent now. */
  send(process: SimulatedProcess, refreshToken: string): Sending;
  /** The token endpoint has exchanged a refresh token for this one. */
  noteExchange(sending: Sending, successor: string): void;
  noteWrite(value: string): void;
  noteStoreFault(process: SimulatedProcess, key: string): void;
  noteLoss(): void;
  noteStop(): void;
  hadStoreFault(process: SimulatedProcess, key: string, since: number): boolean;
  /** Whether the store has lost writes since then. */
  hasLostSince(since: number): boolean;
  /** Whether something other than our code explains that a login did not reach the store. */
  isLoginExplained(family: Family): boolean;
  /** Whether something other than our code explains that the successor of this one did not reach the store. */
  isExplained(sending: Sending): boolean;
  /** Whether anything happened to a refresh token of this login that may have cost it. */
  wasDisturbed(family: Family): boolean;
}

/** A lock or record that was lost matters for as long as a lock could have lasted. */
const LEASE_MS = 20_000;

export function createLedger(time: VirtualTime): Ledger {
  const violations: string[] = [];
  const families = new Map<string, Family>();
  const latest = new Map<string, Family>();
  const sendings = new Map<string, Sending[]>();
  const exchanges = new Map<string, Sending>();
  const stored = new Map<string, number>();
  const storeFaults = new Map<SimulatedProcess, Map<string, number>>();
  const faultyKeys = new Set<string>();
  let hasStopped = false;
  let lostAt = Number.NEGATIVE_INFINITY;

  /** Whether a process has died since then, or was stopped: it could not do what it should have. */
  const wasHeldUp = ({ isAlive, isStopped, continuedAt }: SimulatedProcess, since: number): boolean =>
    !isAlive || isStopped || (continuedAt.at(-1) ?? Number.NEGATIVE_INFINITY) >= since;

  const hadStoreFault = (process: SimulatedProcess, key: string, since: number): boolean =>
    (storeFaults.get(process)?.get(key) ?? Number.NEGATIVE_INFINITY) >= since;

  const hasLostSince = (since: number): boolean => lostAt >= since;

  /** Whether a refresh token may be sent again after this sending of it. */
  function isExcused({ process, family, sentAt, learnt }: Sending): boolean {
    return (
      learnt === "not exchanged" ||
      learnt === "unknown" ||
      wasHeldUp(process, sentAt) ||
      hasLostSince(sentAt - LEASE_MS) ||
      // The process could not tell the others how it ended.
      (learnt !== undefined && hadStoreFault(process, family.key, sentAt))
    );
  }

  function isExplained({ process, family, sentAt, isDisturbed }: Sending): boolean {
    return (
      isDisturbed ||
      wasHeldUp(process, sentAt) ||
      hadStoreFault(process, family.key, sentAt) ||
      hasLostSince(sentAt - LEASE_MS)
    );
  }

  return {
    violations,
    blame: (what) => void violations.push(`${Math.round(time.now)} ms: ${what}`),
    startFamily(login) {
      const family: Family = { ...login, startedAt: time.now, last: undefined, end: undefined };
      families.set(login.valid, family);
      latest.set(login.key, family);
    },
    familyOf: (refreshToken) => families.get(refreshToken),
    latest: (key) => latest.get(key),
    storedAt: (value) => stored.get(value),
    noteExchange(sending, successor) {
      sending.successor = successor;
      sending.family.valid = successor;
      sending.family.last = sending;
      families.set(successor, sending.family);
      exchanges.set(successor, sending);
    },
    send(process, refreshToken) {
      const family = families.get(refreshToken);
      if (family === undefined) throw new Error("A refresh token was sent that nobody has issued.");
      const before = sendings.get(refreshToken) ?? [];
      // A refusal says nothing once an answer was lost, or a process could not take back the mark of an attempt. So every
      // process asks again.
      const wasLost = before.some(isExcused) || hasStopped || faultyKeys.has(family.key);
      for (const earlier of before) {
        if (isExcused(earlier) || (earlier.learnt === "refused" && wasLost)) continue;
        this.blame(
          earlier.settledAt === undefined
            ? `process ${process.number} sent a refresh token while process ${earlier.process.number} waited for the answer to it`
            : `process ${process.number} sent a refresh token that process ${earlier.process.number} had an answer to`,
        );
      }
      const sending: Sending = {
        process,
        family,
        refreshToken,
        sentAt: time.now,
        isDisturbed: false,
        successor: undefined,
        settledAt: undefined,
        learnt: undefined,
        storedAt: undefined,
      };
      sendings.set(refreshToken, [...before, sending]);
      return sending;
    },
    noteWrite(value) {
      const { value: accessToken, refreshToken } = JSON.parse(value) as {
        readonly value: string;
        readonly refreshToken?: string;
      };
      if (!stored.has(accessToken)) stored.set(accessToken, time.now);
      const exchange = exchanges.get(refreshToken ?? "");
      if (exchange !== undefined) exchange.storedAt ??= time.now;
    },
    noteStoreFault(process, key) {
      const faults = storeFaults.get(process) ?? new Map<string, number>();
      storeFaults.set(process, faults.set(key, time.now));
      faultyKeys.add(key);
    },
    noteStop() {
      hasStopped = true;
    },
    noteLoss() {
      lostAt = time.now;
    },
    hadStoreFault,
    hasLostSince,
    isLoginExplained: ({ process, key, startedAt }) =>
      wasHeldUp(process, startedAt) || hadStoreFault(process, key, startedAt) || hasLostSince(startedAt),
    isExplained,
    wasDisturbed: (family) =>
      [...sendings.values()].some((all) => all.some((one) => one.family === family && isExplained(one))),
  };
}
