import { splitUrl } from "../base/split-url.js";
import type { RequestRecord } from "../message/request-record.js";
import type { IssuedTokens, TokenFilter } from "../world/issued-tokens.js";
import { checkFault } from "./check-fault.js";
import type { CheckedFault, Fault, FaultMatch } from "./fault.js";

/** A fault that was added. */
export interface FaultHandle {
  /** Removes the fault. A request that it already applies to stays affected. */
  remove(): void;
  /** How many requests it has applied to. */
  readonly hits: number;
}

/** The faults of an emulator. */
export interface Faults {
  /**
   * Adds a fault. At most one fault applies to a request: of those that match it and are not used up, the one that was
   * added first.
   *
   * @throws TypeError that names the member of the fault that is wrong.
   * @example
   * talkdesk.faults.add({ at: "token", times: 2, respond: answers.unavailable(1) });
   */
  add(fault: Fault): FaultHandle;
  /** Removes all faults. */
  clear(): void;
  /**
   * Revokes the access tokens issued so far: the gateways refuse them with 401. Refresh tokens stay valid.
   *
   * @returns The number of tokens that were not revoked before.
   * @throws TypeError when the filter is wrong.
   * @example
   * talkdesk.faults.revokeTokens({ region: "eu" });
   */
  revokeTokens(filter?: TokenFilter): number;
  /** Closes the connections that wait for another request, as a server does after its keep-alive time. */
  closeIdleConnections(): void;
}

/** The faults as the servers see them. */
export interface FaultScript extends Faults {
  /**
   * Takes the fault that applies to this request, if any. `head` asks for the faults that answer early, before the body
   * has arrived; `whole` asks for the others.
   */
  take(request: RequestRecord, when: "head" | "whole"): CheckedFault | undefined;
}

/** Makes a script without faults. */
export function makeFaultScript(tokens: IssuedTokens, closeIdleConnections: () => void): FaultScript {
  let entries: { readonly fault: CheckedFault; seen: number; hits: number }[] = [];

  return Object.freeze({
    add(fault) {
      const entry = { fault: checkFault(fault), seen: 0, hits: 0 };
      entries.push(entry);
      return Object.freeze({
        remove() {
          entries = entries.filter((other) => other !== entry);
        },
        get hits() {
          return entry.hits;
        },
      });
    },
    clear() {
      entries = [];
    },
    revokeTokens: (filter = {}) => tokens.revoke(filter),
    closeIdleConnections,
    take(request, when) {
      for (const entry of entries) {
        const { fault } = entry;
        if (isEarly(fault) !== (when === "head")) continue;
        if (fault.at !== request.to || !matches(request, fault.match)) continue;
        entry.seen += 1;
        if (entry.seen <= fault.skip) continue;
        entry.hits += 1;
        if (entry.hits >= fault.times) entries = entries.filter((other) => other !== entry);
        return fault;
      }
      return undefined;
    },
  } satisfies FaultScript);
}

function isEarly({ effect }: CheckedFault): boolean {
  return effect.kind === "respond" && effect.answer.early === true;
}

function matches(request: RequestRecord, match: FaultMatch): boolean {
  return (
    (match.region === undefined || match.region === request.region) &&
    (match.account === undefined || match.account === request.account) &&
    (match.method === undefined || match.method.toUpperCase() === request.method) &&
    (match.grantType === undefined || match.grantType === request.form.get("grant_type")) &&
    matchesPattern(match.path, match.path instanceof RegExp ? request.url : splitUrl(request.url).path) &&
    matchesPattern(match.authorization, request.headers["authorization"])
  );
}

function matchesPattern(pattern: string | RegExp | undefined, text: string | undefined): boolean {
  if (pattern === undefined) return true;
  if (text === undefined) return false;
  // With the g and y flags, test() would go on where it stopped at the last request; search() starts anew.
  return typeof pattern === "string" ? pattern === text : text.search(pattern) !== -1;
}
