import { answers } from "../faults/canned-answers.js";
import type { Fault, FaultEffect, FaultPlace } from "../faults/fault.js";

// Long enough to be seen in a client's log, and short enough to wait for.
const RETRY_AFTER_SECONDS = 1;

/**
 * Reads a fault in the form that the command takes, such as `token:503:2`.
 *
 * @throws TypeError with a message for the person who typed it. The place is checked when the fault is added.
 */
export function readFault(text: string): Fault {
  const [at = "", effect = "", times = "1", ...rest] = text.split(":");
  const isTimes = /^(?:[1-9]\d{0,8}|always)$/.test(times);
  const effects = readEffect(effect);
  if (effects === undefined || !isTimes || rest.length > 0) {
    throw new TypeError(
      `--fault must be PLACE:EFFECT or PLACE:EFFECT:TIMES, such as token:503:2, not '${text}'.`,
    );
  }
  return {
    at: at as FaultPlace,
    times: times === "always" ? Number.POSITIVE_INFINITY : Number(times),
    ...effects,
  };
}

function readEffect(effect: string): FaultEffect | undefined {
  const [, delay] = /^(\d{1,9})ms$/.exec(effect) ?? [];
  if (delay !== undefined) return { delayMs: Number(delay) };
  if (/^[45]\d\d$/.test(effect)) return { respond: makeAnswer(Number(effect)) };
  switch (effect) {
    case "reset":
      return { reset: "before" };
    case "hang":
      return { hang: true };
    case "lose":
      return { lose: true };
    case "malformed":
      return { respond: answers.malformedJson() };
    default:
      return undefined;
  }
}

function makeAnswer(status: number): ReturnType<typeof answers.html> {
  if (status === 429) return answers.tooManyRequests(RETRY_AFTER_SECONDS);
  if (status === 503) return answers.unavailable(RETRY_AFTER_SECONDS);
  return status > 500 ? answers.html(status) : answers.json({ message: "A scripted fault" }, status);
}
