import { validateHeaderName, validateHeaderValue } from "node:http";
import { checkMembers } from "../base/known-members.js";
import { isRegion } from "../base/region.js";
import type { CannedAnswer, CheckedEffect, CheckedFault, Fault, FaultMatch, FaultPlace } from "./fault.js";

const places: readonly unknown[] = ["token", "api", "files", "authorize", "jwks", "introspect"];
const effects = ["hang", "reset", "respond", "lose", "patch", "dateSkewMs", "truncate", "trickle"];
const occasionMembers = ["at", "times", "skip", "match", "delayMs"];
const matchMembers = ["region", "account", "method", "path", "grantType", "authorization"];

/**
 * Checks the description of a fault.
 *
 * @throws TypeError that names what is wrong with it.
 */
export function checkFault(fault: Fault): CheckedFault {
  const members = record("a fault", fault);
  checkMembers("a fault", members, [...occasionMembers, ...effects]);
  const { at, times = 1, skip = 0, match = {}, delayMs = 0 } = members;

  demand(places.includes(at), 'at must be "token", "api", "files", "authorize", "jwks" or "introspect"');
  demand(times === Infinity || isCount(times, 1), "times must be a positive integer or Infinity");
  demand(isCount(skip, 0), "skip must be an integer of 0 or more");
  demand(isMilliseconds(delayMs), "delayMs must be a number of milliseconds, 0 or more");

  const named = effects.filter((name) => members[name] !== undefined);
  demand(
    named.length === 1 || (named.length === 0 && members["delayMs"] !== undefined),
    named.length === 0
      ? `a fault needs an effect: delayMs, ${effects.join(", ")}`
      : `a fault has one effect, got ${named.join(" and ")}`,
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
      "an early answer cannot depend on grantType, which is in the body",
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
      demand(value === true, `${name} must be true`);
      return { kind: name };
    case "reset":
      demand(
        value === "before" || value === "headers" || value === "body",
        'reset must be "before", "headers" or "body"',
      );
      return { kind: "reset", when: value as "before" };
    case "respond":
      return { kind: "respond", answer: checkCannedAnswer(value, times) };
    case "patch":
      return { kind: "patch", rewrite: checkPatch(value) };
    case "dateSkewMs":
      demand(Number.isFinite(value), "dateSkewMs must be a number of milliseconds");
      return { kind: "dateSkew", ms: value as number };
    case "truncate":
      demand(isCount(value, 0), "truncate must be a number of bytes, 0 or more");
      return { kind: "truncate", bytes: value as number };
    default: {
      const { chunkBytes, everyMs, ...others } = record("trickle", value);
      checkMembers("trickle", others, []);
      demand(isCount(chunkBytes, 1), "trickle.chunkBytes must be a positive integer");
      demand(isMilliseconds(everyMs), "trickle.everyMs must be a number of milliseconds, 0 or more");
      return { kind: "trickle", chunkBytes: chunkBytes as number, everyMs: everyMs as number };
    }
  }
}

function checkCannedAnswer(value: unknown, times: number): CannedAnswer {
  const answer = record("respond", value);
  checkMembers("respond", answer, ["status", "headers", "body", "early"]);
  const { status, headers = {}, body, early = false } = answer;
  demand(
    isCount(status, 200) && (status as number) <= 599,
    "respond.status must be an integer from 200 to 599",
  );
  demand(typeof early === "boolean", "respond.early must be a boolean");
  for (const [name, content] of Object.entries(record("respond.headers", headers))) {
    validateHeaderName(name);
    for (const item of Array.isArray(content) ? content : [content]) {
      demand(typeof item === "string", `respond.headers must hold strings, and ${name} is not one`);
      validateHeaderValue(name, item);
    }
  }
  const isStream = typeof body === "object" && body !== null && Symbol.asyncIterator in body;
  demand(
    body === undefined ||
      typeof body === "string" ||
      body instanceof Uint8Array ||
      typeof body === "function" ||
      isStream,
    "respond.body must be a string, a Uint8Array, a stream, or a function that gives one of these",
  );
  demand(
    !isStream || times === 1,
    "respond.body is a stream, which serves once: give a function that makes one",
  );
  return answer as unknown as CannedAnswer;
}

function checkPatch(value: unknown): (body: unknown) => unknown {
  if (typeof value === "function") return value as (body: unknown) => unknown;
  const changes = record("patch", value);
  return (body) => (isRecord(body) ? { ...body, ...changes } : body);
}

function checkMatch(value: unknown, at: unknown): FaultMatch {
  const match = record("match", value);
  checkMembers("match", match, matchMembers);
  const { region, path, authorization } = match;
  demand(region === undefined || isRegion(region), "match.region must be a region");
  demand(isPattern(path), "match.path must be a string or a RegExp");
  demand(isPattern(authorization), "match.authorization must be a string or a RegExp");
  for (const name of ["account", "method", "grantType"]) {
    demand(match[name] === undefined || typeof match[name] === "string", `match.${name} must be a string`);
  }
  demand(match["grantType"] === undefined || at === "token", 'match.grantType is for faults at "token" only');
  return match as FaultMatch;
}

function demand(condition: boolean, message: string): void {
  if (!condition) throw new TypeError(message);
}

function record(name: string, value: unknown): Record<string, unknown> {
  if (!isRecord(value)) throw new TypeError(`${name} must be an object`);
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown, from: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= from;
}

function isMilliseconds(value: unknown): boolean {
  // A longer delay would overflow the timer and fire at once.
  return Number.isFinite(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}

function isPattern(value: unknown): boolean {
  return value === undefined || typeof value === "string" || value instanceof RegExp;
}
