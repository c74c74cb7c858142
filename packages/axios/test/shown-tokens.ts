import { inspect } from "node:util";
import { expect } from "vitest";
import type { AuthorizedStage } from "./authorized-stage.js";

const everything = { depth: Number.POSITIVE_INFINITY, maxStringLength: null, maxArrayLength: null };

/** What printing and logging show of a value; with `showHidden`, also what is not enumerable. */
function shownOf(value: unknown, showHidden: boolean): string {
  const { message, stack, cause } = value as Partial<Error>;
  return [
    String(value),
    inspect(value, { ...everything, showHidden }),
    JSON.stringify(value),
    JSON.stringify((value as { toJSON?: () => unknown }).toJSON?.()),
    message,
    stack,
    inspect(cause, { ...everything, showHidden }),
  ].join("\n");
}

/** Expects that a value shows none of the tokens that have come to the gateways. */
export function expectNoToken(stage: AuthorizedStage, value: unknown, showHidden = true): void {
  const shown = shownOf(value, showHidden);
  expect(shown.length).toBeGreaterThan(200);
  const tokens = stage.authorizations().flatMap((authorization) => authorization?.split(" ").at(-1) ?? []);
  expect(tokens).not.toEqual([]);
  for (const token of tokens) expect(shown).not.toContain(token);
}
