import type { RequestRecord } from "../message/request-record.js";
import type { IssuedTokens, TokenFilter } from "../world/issued-tokens.js";
import { checkFault } from "./check-fault.js";
import type { CheckedFault, Fault, FaultMatch } from "./fault.js";

/** A fault that was added. */
export interface FaultHandle {
  /** Takes the fault back; a request that it has struck already is not helped. */
  remove(): void;
  /** How many requests it has struck. */
  readonly hits: number;
}

/** The script of what goes wrong. */
export interface Faults {
  /**
   * Adds a fault. A request is struck by one fault at most: the first in the order added that matches it and is
   * not used up.
   *
   * @throws TypeError when the description is wrong, naming what is.
   */
  add(fault: Fault): FaultHandle;
  /** Takes all faults back. */
  clear(): void;
  /**
   * Makes the gateways refuse with 401 the access tokens that were issued so far.
   *
   * @returns How many tokens that is, without those revoked before.
   */
  revokeTokens(filter?: TokenFilter): number;
  /** Closes the connections that wait for a next request, as a server does that has kept them long enough. */
  closeIdleConnections(): void;
}

/** The script as the servers see it. */
export interface FaultScript extends Faults {
  /** Takes the fault that strikes this request, if any; of the early ones when its body is still to come. */
  take(request: RequestRecord, when: "head" | "whole"): CheckedFault | undefined;
}

/** Makes an empty script. */
export function faultScript(tokens: IssuedTokens, closeIdleConnections: () => void): FaultScript {
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
    fits(match.path, match.path instanceof RegExp ? request.url : request.url.split("?", 1)[0]) &&
    fits(match.authorization, request.headers["authorization"])
  );
}

function fits(pattern: string | RegExp | undefined, text: string | undefined): boolean {
  if (pattern === undefined) return true;
  if (text === undefined) return false;
  // search ignores lastIndex, which test would carry from one request to the next with the g and y flags.
  return typeof pattern === "string" ? pattern === text : text.search(pattern) !== -1;
}
