import type { FetchFunction, FetchResponse } from "@talkdesk-oauth/core";
import type { Faults } from "./faults.js";
import type { Ledger, Sending } from "./ledger.js";
import type { Random } from "./random.js";
import type { SimulatedProcess } from "./simulated-process.js";
import type { VirtualTime } from "./virtual-time.js";

/** An access token that was issued, and for whom. */
interface IssuedToken {
  readonly key: string;
  readonly expiresAt: number;
}

/** A token endpoint that accepts each refresh token once, and revokes the login when it sees one again. */
export interface SimulatedEndpoint {
  /** What a process uses as `fetch`. */
  connect(process: SimulatedProcess): FetchFunction;
  /** Somebody logs in by this process: the answer to the exchange of the code. */
  login(process: SimulatedProcess, key: string): { readonly value: string; readonly refreshToken: string };
  readonly issued: ReadonlyMap<string, IssuedToken>;
  /** When tokens of the program were issued. */
  readonly programTokensAt: readonly number[];
}

export const LIFETIME_MS = 60_000;

/** The name of the token that all processes share as programs. */
export const PROGRAM = "program";

const answer = (status: number, body: unknown): FetchResponse => {
  const text = JSON.stringify(body);
  const headers = new Headers({ "content-type": "application/json" });
  return { status, headers, text: async () => text };
};

const networkError = (code: string): Error =>
  Object.assign(new TypeError("fetch failed"), { cause: Object.assign(new Error(code), { code }) });

export function simulatedEndpoint(
  time: VirtualTime,
  random: Random,
  faults: Faults,
  ledger: Ledger,
  trace: (line: string) => void,
): SimulatedEndpoint {
  const issued = new Map<string, IssuedToken>();
  const programTokensAt: number[] = [];
  let lastNumber = 0;

  function issue(key: string): string {
    lastNumber += 1;
    const value = `at-${lastNumber}`;
    issued.set(value, { key, expiresAt: time.now + LIFETIME_MS });
    return value;
  }

  function exchange(sending: Sending): FetchResponse {
    const { family, refreshToken } = sending;
    if (family.valid !== refreshToken) {
      family.valid = undefined;
      return answer(400, { error: "invalid_grant" });
    }
    const value = issue(family.key);
    const successor = `rt-${lastNumber}`;
    ledger.noteExchange(sending, successor);
    return answer(200, {
      access_token: value,
      token_type: "Bearer",
      expires_in: LIFETIME_MS / 1000,
      refresh_token: successor,
    });
  }

  function respond(sending: Sending | undefined): FetchResponse {
    if (sending !== undefined) return exchange(sending);
    programTokensAt.push(time.now);
    const value = issue(PROGRAM);
    return answer(200, { access_token: value, token_type: "Bearer", expires_in: LIFETIME_MS / 1000 });
  }

  return {
    issued,
    programTokensAt,
    login(process, key) {
      const value = issue(key);
      const refreshToken = `rt-${lastNumber}`;
      ledger.startFamily({ key, process, loginToken: value, valid: refreshToken });
      return { value, refreshToken };
    },
    connect:
      (process) =>
      (_url, { body, signal }) => {
        const form = new URLSearchParams(body);
        const refreshToken = form.get("refresh_token");
        const sending = refreshToken === null ? undefined : ledger.send(process, refreshToken);
        const fault = random.chance(faults.network)
          ? random.pick([
              "unsent",
              "lost",
              "answer lost",
              "hangs",
              "hangs after",
              "slow",
              "late",
              "unreadable",
              "503",
              "502 after",
              "invalid_client",
            ] as const)
          : undefined;
        const kill = random.chance(faults.kill) ? random.pick(["before", "after"] as const) : undefined;
        const stop = random.chance(faults.stop) ? random.between(200, 30_000) : undefined;
        const thereMs = random.between(5, 40) + (fault === "late" ? random.between(2_000, 30_000) : 0);
        const backMs = random.between(5, 40) + (fault === "slow" ? random.between(1_000, 20_000) : 0);
        if (sending !== undefined && fault !== undefined) sending.isDisturbed = true;
        trace(
          `process ${process.number} sends ${refreshToken ?? "its credentials"}${fault ? `: ${fault}` : ""}`,
        );
        const settle = (learnt: Sending["learnt"]): void => {
          if (sending === undefined || sending.settledAt !== undefined) return;
          sending.settledAt = time.now;
          sending.learnt = learnt;
        };

        return new Promise((resolve, reject) => {
          signal.addEventListener("abort", () => {
            settle("unknown");
            reject(signal.reason);
          });
          const fail = (code: string, learnt: Sending["learnt"]): void =>
            process.deliver(backMs, () => {
              settle(learnt);
              reject(networkError(code));
            });
          if (fault === "unsent") return fail("ECONNREFUSED", "not exchanged");
          time.plan(thereMs, () => {
            if (kill === "before" && process.isAlive) return process.kill();
            if (fault === "lost") return fail("ECONNRESET", "unknown");
            if (fault === "hangs") return;
            const response =
              fault === "503"
                ? answer(503, {})
                : fault === "invalid_client"
                  ? answer(401, { error: "invalid_client" })
                  : respond(sending);
            trace(
              `process ${process.number} exchanges ${refreshToken ?? "its credentials"} for ${sending?.successor ?? response.status}${fault ? `, ${fault}` : ""}${kill ? ", then killed" : ""}${stop ? `, then stopped for ${Math.round(stop)} ms` : ""}`,
            );
            if (kill === "after") process.kill();
            if (stop !== undefined && process.isAlive) process.stopFor(stop);
            if (fault === "answer lost") return fail("ECONNRESET", "unknown");
            if (fault === "hangs after") return;
            const isExchanged = response.status === 200;
            process.deliver(backMs, () => {
              if (signal.aborted) return;
              if (fault === "unreadable" || fault === "502 after") {
                settle("unknown");
                resolve(fault === "unreadable" ? { ...response, text: async () => "{" } : answer(502, {}));
                return;
              }
              settle(isExchanged ? "exchanged" : response.status === 400 ? "refused" : "not exchanged");
              resolve(response);
            });
          });
        });
      },
  };
}
