import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { CannedAnswer, CheckedFault } from "../faults/fault.js";
import { type Answer, readWholeBody } from "../message/answer.js";
import { resetConnection } from "./connection-reset.js";
import type { Manner } from "./transmission.js";

/** One request to which a fault applies. */
export interface FaultyExchange {
  readonly response: ServerResponse;
  /** Handles the request, and gives the answer that it would have without the fault. */
  readonly handle: () => Promise<Answer>;
  /** Sends an answer, and tells whether it was cut on purpose. */
  readonly send: (answer: Answer, manner?: Manner) => Promise<boolean>;
  /** Aborted when the emulator stops. */
  readonly stopping: AbortSignal;
}

/**
 * Answers a request as a fault says.
 *
 * @returns True when the answer was cut on purpose.
 */
export async function applyFault(
  { delayMs, effect }: CheckedFault,
  { response, handle, send, stopping }: FaultyExchange,
): Promise<boolean> {
  if (delayMs > 0) await sleep(delayMs, undefined, { signal: stopping });
  switch (effect.kind) {
    case "none":
      return send(await handle());
    case "hang":
      await waitForClose(response);
      return false;
    case "respond":
      return send(toAnswer(effect.answer));
    case "lose":
      await handle();
      response.socket?.destroy();
      return true;
    case "patch":
      return send(await rewriteBody(await handle(), effect.rewrite));
    case "dateSkew": {
      const answer = await handle();
      const date = new Date(Date.now() + effect.ms).toUTCString();
      return send({ ...answer, headers: { ...answer.headers, date } });
    }
    case "reset":
      if (effect.when === "before") {
        resetConnection(response.socket);
        return true;
      }
      return send(await handle(), { kind: "reset", when: effect.when });
    case "truncate":
    case "trickle":
      return send(await handle(), effect);
  }
}

function waitForClose(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) resolve();
    else response.on("close", resolve);
  });
}

function toAnswer({ status, headers = {}, body }: CannedAnswer): Answer {
  const content = typeof body === "function" ? body() : body;
  if (content === undefined) return { status, headers };
  return { status, headers, body: typeof content === "string" ? new TextEncoder().encode(content) : content };
}

async function rewriteBody(answer: Answer, rewrite: (body: unknown) => unknown): Promise<Answer> {
  const bytes = await readWholeBody(answer);
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return { ...answer, body: bytes };
  }
  return { ...answer, body: new TextEncoder().encode(JSON.stringify(rewrite(parsed)) ?? "") };
}
