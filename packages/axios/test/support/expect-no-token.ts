import { inspect } from "node:util";
import { expect } from "vitest";
import type { AuthorizedStage } from "./authorized-stage.js";

const everything = {
  depth: Number.POSITIVE_INFINITY,
  maxStringLength: null,
  maxArrayLength: null,
  showHidden: true,
} as const;

/** Prints a value in every way, also its members that are not enumerable. */
function shownOf(value: unknown): string {
  const { message, stack, cause } = value as Partial<Error>;
  return [
    String(value),
    inspect(value),
    inspect(value, everything),
    jsonOf(value),
    jsonOf((value as { toJSON?: () => unknown }).toJSON?.()),
    message,
    stack,
    inspect(cause, everything),
  ].join("\n");
}

/** Converts a value to JSON even where it contains itself, as many streams do. */
function jsonOf(value: unknown): string {
  const seen = new Set<unknown>();
  const once = (_: string, member: unknown): unknown => {
    if (typeof member !== "object" || member === null) return member;
    if (seen.has(member)) return "seen";
    seen.add(member);
    return member;
  };
  return JSON.stringify(value, once) ?? "";
}

/** Expects that no token sent to the gateways can be read from a value. */
export function expectNoToken(stage: AuthorizedStage, value: unknown): void {
  const shown = shownOf(value);
  expect(shown.length).toBeGreaterThan(200);
  const tokens = stage.authorizations().flatMap((authorization) => authorization?.split(" ").at(-1) ?? []);
  expect(tokens).not.toEqual([]);
  for (const token of tokens) expect(shown).not.toContain(token);
}
