import type { Incident } from "./chaos-fleet.js";
import type { Observation } from "./chaos-log.js";
import { LEASE_RESERVE_MS } from "./chaos-schedule.js";
import { tokenName } from "./token-name.js";
import type { Exchange } from "./token-wire.js";

/** The name under which the judge itself refreshes, at the end. */
export const JUDGE = "judge";

/** One login of one session. Times are epoch milliseconds. */
export interface Login {
  readonly key: string;
  readonly refreshToken: string;
  readonly at: number;
  /** The process that was to store it. */
  process?: string;
  /** When the user logged out. */
  endedAt?: number;
}

/** What the judge found when it asked for each session's token at the end. */
export interface FinalState {
  /** The refresh token in the store. */
  readonly refreshToken: string | undefined;
  /** The error of a refresh; undefined when it succeeded. */
  readonly error: { readonly code: string; readonly error: string | undefined } | undefined;
}

/** Everything that was recorded during a run. */
export interface Evidence {
  /** In the order of their arrival. */
  readonly exchanges: readonly Exchange[];
  readonly logins: readonly Login[];
  readonly incidents: readonly Incident[];
  /** Of each process. */
  readonly observations: ReadonlyMap<string, readonly Observation[]>;
  /** Of each session. */
  readonly finalStates: ReadonlyMap<string, FinalState>;
}

/**
 * Why a refresh token was lost. The last one is for a process that gave up although nothing was done to it: the machine,
 * with other work to do, was too slow.
 */
type Loss =
  | "answer lost"
  | "answer late"
  | "process killed"
  | "process stopped"
  | "store down"
  | "machine slow";

export interface Ledger {
  /** How many refresh tokens came to each end. */
  readonly tokens: Readonly<
    Record<"issued" | "superseded" | "current" | "loggedOut" | "replaced" | "lost", number>
  >;
  readonly losses: Readonly<Record<Loss, number>>;
  /** How often a refresh token was sent again after an attempt without an answer. */
  readonly repeats: number;
  readonly refreshes: number;
  readonly calls: number;
  /** How many callers got each error code. */
  readonly errors: Readonly<Record<string, number>>;
  /** What must not happen; one sentence each. */
  readonly violations: readonly string[];
}

/** A refresh token that the token endpoint has issued. */
interface Issued {
  readonly refreshToken: string;
  readonly login: Login;
  readonly by: Exchange;
}

/** Accounts for every refresh token, and for every error that ends a session. */
export function drawLedger(evidence: Evidence): Ledger {
  const { exchanges, logins, incidents, observations, finalStates } = evidence;
  const violations: string[] = [];
  const sent = exchanges.filter(({ answeredAt }) => answeredAt !== undefined);

  /** The requests with each refresh token that have reached the token endpoint. */
  const uses = groupBy(
    sent.filter(({ spent, process }) => spent !== undefined && process !== JUDGE),
    ({ spent }) => spent ?? "",
  );
  const acceptedUse = (refreshToken: string) => uses.get(refreshToken)?.find(({ status }) => status === 200);

  const issued = new Map<string, Issued>();
  const loginOf = new Map<string, Login>();
  /** The session of each access token. */
  const keyOfAccess = new Map<string, string>();
  for (const exchange of sent) {
    const { issuedRefreshToken, issuedAccessToken, spent } = exchange;
    if (issuedRefreshToken === undefined) continue;
    const login =
      spent === undefined
        ? logins.find(({ refreshToken }) => refreshToken === issuedRefreshToken)
        : loginOf.get(spent);
    if (login === undefined) {
      violations.push(`Exchange ${exchange.number} issued a refresh token that belongs to no login.`);
      continue;
    }
    loginOf.set(issuedRefreshToken, login);
    keyOfAccess.set(tokenName(issuedAccessToken ?? ""), login.key);
    if (exchange.process !== JUDGE) {
      issued.set(issuedRefreshToken, { refreshToken: issuedRefreshToken, login, by: exchange });
    }
  }

  const loginsOf = groupBy(logins, ({ key }) => key);
  /** When each process has stored each refresh token. */
  const storedAt = (process: string, refreshToken: string): number | undefined => {
    const wanted = tokenName(refreshToken);
    return observations.get(process)?.find((seen) => seen.type === "stored" && seen.refreshToken === wanted)
      ?.at;
  };

  function incidentWithin(process: string, from: number, to: number): Loss | undefined {
    const found = incidents.find((one) => one.process === process && one.until >= from && one.at <= to);
    if (found === undefined) return undefined;
    return found.kind === "kill" ? "process killed" : "process stopped";
  }

  /** Why a refresh token may not have come from the token endpoint into the store. */
  function explainUnanswered({ by, login, refreshToken }: Issued): Loss | undefined {
    if (by.fault === "lose") return "answer lost";
    const process = by.spent === undefined ? (login.process ?? by.process) : by.process;
    const stored = storedAt(process, refreshToken) ?? Number.POSITIVE_INFINITY;
    const incident = incidentWithin(process, sendAt(by), stored);
    if (incident !== undefined) return incident;
    if (stored > sendAt(by) + LEASE_RESERVE_MS && hasStoreFailed(process, login.key, sendAt(by), stored)) {
      return "store down";
    }
    const hasGivenUp = (observations.get(process) ?? []).some(
      (seen) =>
        seen.type === "give up" &&
        seen.refreshToken === tokenName(by.spent ?? "") &&
        // Until its lease ends, a process waits for the answer to what it has sent.
        seen.at >= sendAt(by) + LEASE_RESERVE_MS,
    );
    if (!hasGivenUp) return undefined;
    return by.fault === "delay" ? "answer late" : "machine slow";
  }

  function hasStoreFailed(process: string, key: string, from: number, to: number): boolean {
    return (observations.get(process) ?? []).some(
      (seen) => seen.type === "store failed" && seen.key === key && seen.at >= from && seen.at <= to,
    );
  }

  /** When a process has begun to send a refresh token, as it has noted itself. */
  function sendAt({ process, spent, arrivedAt }: Exchange): number {
    const wanted = tokenName(spent ?? "");
    const notes = (observations.get(process) ?? []).filter(
      (seen) => seen.type === "send" && seen.refreshToken === wanted && seen.at <= arrivedAt,
    );
    return notes.at(-1)?.at ?? arrivedAt;
  }

  /** Why a refresh token came to the token endpoint again. */
  function explainRepeat(refreshToken: string, repeat: Exchange): Loss | undefined {
    const accepted = acceptedUse(refreshToken);
    const successor = issued.get(accepted?.issuedRefreshToken ?? "");
    const unanswered = successor && explainUnanswered(successor);
    if (accepted !== undefined && unanswered === "store down") {
      // Until its lease ends, a process that cannot store what it got keeps the others from sending.
      return repeat.arrivedAt > sendAt(accepted) + LEASE_RESERVE_MS ? unanswered : undefined;
    }
    // A process that was stopped between its decision and the network cannot take back what it sends afterwards.
    return unanswered ?? incidentWithin(repeat.process, sendAt(repeat), repeat.arrivedAt);
  }

  /** Repeats of refresh tokens of one login. A token endpoint that detects reuse ends the login then. */
  const repeatsOf = new Map<Login, Loss[]>();
  let repeats = 0;
  for (const [refreshToken, requests] of uses) {
    const accepted = acceptedUse(refreshToken);
    const token = issued.get(refreshToken);
    if (accepted === undefined || token === undefined) continue;
    if (requests.filter(({ status }) => status === 200).length > 1) {
      violations.push(`The token endpoint accepted one refresh token of ${token.login.key} twice.`);
    }
    for (const repeat of requests) {
      if (repeat === accepted) continue;
      repeats += 1;
      const loss = explainRepeat(refreshToken, repeat);
      if (loss === undefined) {
        violations.push(
          `${repeat.process} spent a refresh token of ${token.login.key} that ${accepted.process} had spent (exchanges ${accepted.number} and ${repeat.number}), and no attempt was without an answer.`,
        );
      } else {
        repeatsOf.set(token.login, [...(repeatsOf.get(token.login) ?? []), loss]);
      }
    }
  }

  const explainLoss = (token: Issued): Loss | undefined =>
    explainUnanswered(token) ?? repeatsOf.get(token.login)?.[0];

  const tokens = { issued: issued.size, superseded: 0, current: 0, loggedOut: 0, replaced: 0, lost: 0 };
  const losses: Record<Loss, number> = {
    "answer lost": 0,
    "answer late": 0,
    "process killed": 0,
    "process stopped": 0,
    "store down": 0,
    "machine slow": 0,
  };
  /** The logins whose last refresh token was lost for a known reason. */
  const lostLogins = new Set<Login>();
  for (const token of issued.values()) {
    const { refreshToken, login } = token;
    const final = finalStates.get(login.key);
    if (acceptedUse(refreshToken) !== undefined) {
      tokens.superseded += 1;
    } else if (final?.refreshToken === refreshToken && final.error === undefined) {
      tokens.current += 1;
    } else if (login.endedAt !== undefined) {
      tokens.loggedOut += 1;
    } else {
      const loss = explainLoss(token);
      const isNoticed = loss !== undefined && isNamed(token, final);
      if (!isNoticed && isReplaced(login)) {
        tokens.replaced += 1;
        continue;
      }
      if (loss === undefined) {
        violations.push(
          `A refresh token of ${login.key} is lost without a reason (exchange ${token.by.number} of ${token.by.process}; at the end: ${describe(final)}).`,
        );
        continue;
      }
      tokens.lost += 1;
      losses[loss] += 1;
      lostLogins.add(login);
      if (!isNoticed) {
        violations.push(
          `A refresh token of ${login.key} is lost (${loss}), and no caller was told (exchange ${token.by.number}).`,
        );
      }
    }
  }

  /** When a login was stored, which is later than the order when the store could not be used. */
  function loginStoredAt({ process, refreshToken }: Login): number {
    return storedAt(process ?? "", refreshToken) ?? Number.POSITIVE_INFINITY;
  }

  /** Whether a later login of the same user was stored. */
  function isReplaced({ key, at }: Login): boolean {
    return (loginsOf.get(key) ?? []).some((later) => later.at > at && Number.isFinite(loginStoredAt(later)));
  }

  /** Whether a caller was told that the session cannot be renewed. */
  function isNamed({ login, by }: Issued, final: FinalState | undefined): boolean {
    if (final?.error !== undefined && endsSession(final.error)) return true;
    return [...observations.values()].some((seen) =>
      seen.some(
        (one) => one.type === "error" && one.key === login.key && one.at >= by.arrivedAt && endsSession(one),
      ),
    );
  }

  /** Whether a session may be over for a caller that asked at `from` and was answered at `to`. */
  function mayBeOver(key: string, from: number, to: number): boolean {
    const all = loginsOf.get(key) ?? [];
    return all.some((login, index) => {
      const next = all[index + 1];
      // Nobody was logged in before the first login was stored.
      if (index === 0 && loginStoredAt(login) >= from) return true;
      if (login.at > to || (next !== undefined && loginStoredAt(next) < from)) return false;
      return lostLogins.has(login) || (login.endedAt !== undefined && login.endedAt <= to);
    });
  }

  const errors: Record<string, number> = {};
  let calls = 0;
  for (const [process, seen] of observations) {
    for (const one of seen) {
      switch (one.type) {
        case "calls":
          calls += one.calls;
          break;
        case "token":
          if (keyOfAccess.get(one.token) !== one.key) {
            violations.push(`${process} was given a token of ${keyOfAccess.get(one.token)} for ${one.key}.`);
          }
          break;
        case "late":
          violations.push(
            `A caller in ${process} waited ${Math.round(one.waitedMs)} ms for ${one.key}, and ${Math.round(one.allowedMs)} ms are allowed.`,
          );
          break;
        case "expired":
          violations.push(
            `${process} was given a token for ${one.key} that had expired ${one.byMs} ms before.`,
          );
          break;
        case "error":
          errors[one.code] = (errors[one.code] ?? 0) + 1;
          if (endsSession(one) && !mayBeOver(one.key, one.startedAt, one.at)) {
            violations.push(`${process} was told ${one.code} for ${one.key}, which was not over.`);
          }
          break;
      }
    }
  }
  for (const [key, final] of finalStates) {
    if (final.error !== undefined && !endsSession(final.error)) {
      violations.push(`The session ${key} could not be renewed at the end: ${describe(final)}.`);
    }
  }

  const refreshes = [...uses.values()].flat().filter(({ status }) => status === 200).length;
  return { tokens, losses, repeats, refreshes, calls, errors, violations };
}

/** Whether an error means that the user has to log in again. */
function endsSession({
  code,
  error,
}: {
  readonly code: string;
  readonly error?: string | undefined;
}): boolean {
  return (
    code === "reauthentication_required" || (code === "refresh_outcome_unknown" && error === "invalid_grant")
  );
}

const describe = (final: FinalState | undefined): string => {
  const { code, error = "" } = final?.error ?? { code: "renewed" };
  return `${code} ${error}`.trim();
};

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key) ?? [];
    group.push(item);
    groups.set(key, group);
  }
  return groups;
}
