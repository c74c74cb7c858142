import { isTalkdeskError, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { tellEmulatorStory } from "./emulator-story.js";
import { callOnce } from "./real-service.js";
import { table } from "./table.js";

/** Where the demo reads its settings and puts its words. */
export interface DemoSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  write(line: string): void;
  complain(line: string): void;
}

/** One line of the table at the end. */
export interface Step {
  readonly what: string;
  readonly happened: string;
  readonly ms: number;
}

/** Does one step of a story, and notes what happened and how long it took. */
export type RunStep = (what: string, work: () => Promise<string>) => Promise<void>;

/**
 * Runs the demo: once against the real service when any `TALKDESK_` variable is set, else against an emulator.
 * @returns The exit code: 0, or 1 after one sentence about what to check.
 */
export async function runDemo({ env, write, complain }: DemoSurroundings): Promise<number> {
  const isReal = Object.keys(env).some((name) => name.startsWith("TALKDESK_") && env[name]);
  const steps: Step[] = [];
  const step: RunStep = async (what, work) => {
    write(`… ${what}`);
    const startedAt = performance.now();
    const happened = await work();
    steps.push({ what, happened, ms: performance.now() - startedAt });
  };
  try {
    if (isReal)
      await callOnce(talkdeskClientFromEnv(env), env["TALKDESK_DEMO_PATH"] || "/users?per_page=1", step);
    else await tellEmulatorStory(step);
  } catch (error) {
    complain(sentence(error));
    return 1;
  }
  write("");
  for (const line of table(steps)) write(line);
  write("");
  if (isReal) {
    write("This was the real service, read only.");
  } else {
    write("All of this was an emulator on this machine. To try your own account, set TALKDESK_ACCOUNT,");
    write("TALKDESK_REGION, TALKDESK_CLIENT_ID and TALKDESK_CLIENT_SECRET.");
  }
  return 0;
}

/** What a person needs to know of an error: one sentence, and what may explain it. */
function sentence(error: unknown): string {
  const { message } = error as Error;
  return isTalkdeskError(error) ? [message, ...error.hints].join(" ") : message;
}
