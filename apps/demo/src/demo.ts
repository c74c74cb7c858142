import { isTalkdeskError, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { tellEmulatorStory } from "./emulator-story.js";
import { callOnce } from "./real-service.js";
import type { RunStep, Step } from "./step.js";
import { formatTable } from "./table.js";

/** Where the demo reads its settings and writes its output. */
export interface DemoSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes one line to standard output. */
  write(line: string): void;
  /** Writes one line to standard error. */
  writeError(line: string): void;
}

/**
 * Runs the demo against the real service when any `TALKDESK_…` variable is set, else against an emulator.
 *
 * @returns The exit code: 0, or 1 after one sentence that says what to check.
 */
export async function runDemo({ env, write, writeError }: DemoSurroundings): Promise<number> {
  const isReal = Object.keys(env).some((name) => name.startsWith("TALKDESK_") && env[name]);
  const steps: Step[] = [];
  const runStep: RunStep = async (what, work) => {
    write(`… ${what}`);
    const startedAt = performance.now();
    const happened = await work();
    steps.push({ what, happened, ms: performance.now() - startedAt });
  };
  try {
    if (isReal) {
      await callOnce(talkdeskClientFromEnv(env), env["TALKDESK_DEMO_PATH"] || "/users?per_page=1", runStep);
    } else {
      await tellEmulatorStory(runStep);
    }
  } catch (error) {
    writeError(describeError(error));
    return 1;
  }
  write("");
  for (const line of formatTable(steps)) write(line);
  write("");
  if (isReal) {
    write("This was the real service, read only.");
  } else {
    write("All of this ran against an emulator on this machine. To try your own account, set");
    write("TALKDESK_ACCOUNT, TALKDESK_REGION, TALKDESK_CLIENT_ID and TALKDESK_CLIENT_SECRET.");
  }
  return 0;
}

/** Gives the message of an error, followed by its hints: what may explain it. */
function describeError(error: unknown): string {
  const { message } = error as Error;
  return isTalkdeskError(error) ? [message, ...error.hints].join(" ") : message;
}
