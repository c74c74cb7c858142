import { checkMembers } from "../base/check-members.js";
import { checkRegion } from "../base/region.js";
import { checkHeaders } from "../message/check-headers.js";
import type { CannedAnswer, CheckedEffect, CheckedFault, Fault, FaultMatch, FaultPlace } from "./fault.js";

const PLACES: readonly unknown[] = ["token", "api", "files", "authorize", "jwks", "introspect", "session"];
const EFFECTS = ["hang", "reset", "respond", "lose", "patch", "dateSkewMs", "truncate", "trickle"];
const OCCASION_MEMBERS = ["at", "times", "skip", "match", "delayMs"];
const MATCH_MEMBERS = ["region", "account", "method", "path", "grantType", "authorization"];

/**
 * Checks the description of a fault.
 *
 * @throws TypeError that names the member that is wrong.
 */
export function checkFault(fault: Fault): CheckedFault {
  const members = checkObject("a fault", fault);
  checkMembers("a fault", members, [...OCCASION_MEMBERS, ...EFFECTS]);
  const { at, times = 1, skip = 0, match = {}, delayMs = 0 } = members;

  demand(PLACES.includes(at), `at must be one of ${PLACES.join(", ")}.`);
  demand(times === Infinity || isCount(times, 1), "times must be a positive integer or Infinity.");
  demand(isCount(skip, 0), "skip must be an integer of 0 or more.");
  demand(isMilliseconds(delayMs), "delayMs must be a number of milliseconds, 0 or more.");

  const named = EFFECTS.filter((name) => members[name] !== undefined);
  demand(
    named.length === 1 || (named.length === 0 && members["delayMs"] !== undefined),
    named.length === 0
      ? `a fault must have an effect: delayMs, ${EFFECTS.join(", ")}.`
      : `a fault must have one effect, not ${named.join(" and ")}.`,
  );

  const checked: CheckedFault = {
    at: at as FaultPlace,
    times: times as number,
    skip: skip as number,
    match: checkMatch(match, at),
    delayMs: delayMs as number,
    effect: checkEffect(named[0], members, times as number),
  };
  if (checked.effect.kind === "respond" && checked.effect.answer.early === true) {
    demand(
      checked.match.grantType === undefined,
      "respond.early must be false with match.grantType, which is in the body.",
    );
  }
  return checked;
}

function checkEffect(
  name: string | undefined,
  members: Record<string, unknown>,
  times: number,
): CheckedEffect {
  const value = name === undefined ? undefined : members[name];
  switch (name) {
    case undefined:
      return { kind: "none" };
    case "hang":
    case "lose":
      demand(value === true, `${name} must be true.`);
      return { kind: name };
    case "reset":
      demand(
        value === "before" || value === "headers" || value === "body",
        'reset must be "before", "headers" or "body".',
      );
      return { kind: "reset", when: value as "before" };
    case "respond":
      return { kind: "respond", answer: checkCannedAnswer(value, times) };
    case "patch":
      return { kind: "patch", rewrite: checkPatch(value) };
    case "dateSkewMs":
      demand(Number.isFinite(value), "dateSkewMs must be a number of milliseconds.");
      return { kind: "dateSkew", ms: value as number };
    case "truncate":
      demand(isCount(value, 0), "truncate must be a number of bytes, 0 or more.");
      return { kind: "truncate", bytes: value as number };
    default: {
      checkMembers("trickle", value, ["chunkBytes", "everyMs"]);
      const { chunkBytes, everyMs } = value as Record<string, unknown>;
      demand(isCount(chunkBytes, 1), "trickle.chunkBytes must be a positive integer.");
      demand(isMilliseconds(everyMs), "trickle.everyMs must be a number of milliseconds, 0 or more.");
      return { kind: "trickle", chunkBytes: chunkBytes as number, everyMs: everyMs as number };
    }
  }
}

function checkCannedAnswer(value: unknown, times: number): CannedAnswer {
  const answer = checkObject("respond", value);
  checkMembers("respond", answer, ["status", "headers", "body", "early"]);
  const { status, headers = {}, body, early = false } = answer;
  demand(
    isCount(status, 200) && (status as number) <= 599,
    "respond.status must be an integer from 200 to 599.",
  );
  demand(typeof early === "boolean", "respond.early must be a boolean.");
  checkHeaders("respond.headers", headers);
  const isStream = typeof body === "object" && body !== null && Symbol.asyncIterator in body;
  demand(
    body === undefined ||
      typeof body === "string" ||
      body instanceof Uint8Array ||
      typeof body === "function" ||
      isStream,
    "respond.body must be a string, a Uint8Array, a stream, or a function that returns one of these.",
  );
  demand(
    !isStream || times === 1,
    "respond.body must be a function that returns a stream when times exceeds 1; a stream can be sent once.",
  );
  return answer as unknown as CannedAnswer;
}

function checkPatch(value: unknown): (body: unknown) => unknown {
  if (typeof value === "function") return value as (body: unknown) => unknown;
  const changes = checkObject("patch", value);
  return (body) => (isObject(body) ? { ...body, ...changes } : body);
}

function checkMatch(value: unknown, at: unknown): FaultMatch {
  const match = checkObject("match", value);
  checkMembers("match", match, MATCH_MEMBERS);
  const { region, path, authorization } = match;
  if (region !== undefined) checkRegion(region, "match.region");
  demand(isPattern(path), "match.path must be a string or a RegExp.");
  demand(isPattern(authorization), "match.authorization must be a string or a RegExp.");
  for (const name of ["account", "method", "grantType"]) {
    demand(match[name] === undefined || typeof match[name] === "string", `match.${name} must be a string.`);
  }
  demand(match["grantType"] === undefined || at === "token", 'match.grantType must go with at: "token".');
  return match as FaultMatch;
}

function demand(condition: boolean, message: string): void {
  if (!condition) throw new TypeError(message);
}

function checkObject(name: string, value: unknown): Record<string, unknown> {
  if (!isObject(value)) throw new TypeError(`${name} must be an object.`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown, from: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= from;
}

function isMilliseconds(value: unknown): boolean {
  // Node's timers fire at once when the delay is longer.
  return Number.isFinite(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}

function isPattern(value: unknown): boolean {
  return value === undefined || typeof value === "string" || value instanceof RegExp;
}
