import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, readWholeBody } from "../message/answer.js";
import { resetConnection } from "./connection-reset.js";

/** How an answer is sent: as it is, or broken on the way. */
export type Manner =
  | { readonly kind: "plain" }
  | { readonly kind: "reset"; readonly when: "headers" | "body" }
  | { readonly kind: "truncate"; readonly bytes: number }
  | { readonly kind: "trickle"; readonly chunkBytes: number; readonly everyMs: number };

// A reset makes the client drop what it has not read yet. After this pause it has read what was sent before.
const PAUSE_BEFORE_RESET_MS = 25;

/**
 * Sends an answer.
 *
 * @param onHead Called with the status as soon as the head is sent.
 * @returns True when the answer was cut on purpose; false also when the client went away.
 */
export async function transmit(
  response: ServerResponse,
  answer: Answer,
  manner: Manner,
  onHead: (status: number) => void,
): Promise<boolean> {
  if (response.destroyed) return false;
  const headers = { ...answer.headers };
  const isBodiless = answer.status === 204 || answer.status === 304 || response.req.method === "HEAD";
  const writeHead = (length: number | undefined): void => {
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    const isFramed = names.includes("content-length") || names.includes("transfer-encoding");
    const takesLength = answer.status !== 204 && answer.status !== 304;
    if (length !== undefined && !isFramed && takesLength) headers["content-length"] = String(length);
    response.writeHead(answer.status, headers as Record<string, string | string[]>);
    response.flushHeaders();
    onHead(answer.status);
  };

  if (manner.kind === "plain") {
    const { body } = answer;
    if (body !== undefined && !(body instanceof Uint8Array) && !isBodiless) {
      writeHead(undefined);
      if (!(await writeChunks(response, body))) return false;
      response.end();
    } else {
      writeHead(body instanceof Uint8Array ? body.length : body === undefined ? 0 : undefined);
      response.end(body instanceof Uint8Array && !isBodiless ? body : undefined);
    }
    await waitForFinish(response);
    return false;
  }

  const body = await readWholeBody(answer);
  writeHead(body.length);
  switch (manner.kind) {
    case "trickle":
      if (!(await writeChunks(response, splitSlowly(body, manner.chunkBytes, manner.everyMs)))) return false;
      response.end();
      await waitForFinish(response);
      return false;
    case "truncate":
      await write(response, body.subarray(0, manner.bytes));
      response.socket?.end();
      response.socket?.destroySoon();
      await waitForFinish(response);
      return true;
    case "reset":
      if (manner.when === "body") await write(response, body.subarray(0, Math.ceil(body.length / 2)));
      await sleep(PAUSE_BEFORE_RESET_MS);
      resetConnection(response.socket);
      return true;
  }
}

async function* splitSlowly(
  body: Uint8Array,
  chunkBytes: number,
  everyMs: number,
): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < body.length; start += chunkBytes) {
    if (start > 0) await sleep(everyMs, undefined, { ref: false });
    yield body.subarray(start, start + chunkBytes);
  }
}

/** Writes chunks, and tells whether the client was there for all of them. */
async function writeChunks(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array | string>,
): Promise<boolean> {
  for await (const chunk of chunks) {
    if (response.destroyed) return false;
    if (!response.write(chunk)) await waitForDrain(response);
  }
  return !response.destroyed;
}

function write(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (chunk.length === 0) resolve();
    else response.write(chunk, () => resolve());
  });
}

function waitForDrain(response: ServerResponse): Promise<void> {
  return waitForEvent(response, "drain");
}

function waitForFinish(response: ServerResponse): Promise<void> {
  return response.writableFinished ? Promise.resolve() : waitForEvent(response, "finish");
}

function waitForEvent(response: ServerResponse, event: string): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const done = (): void => {
      response.off(event, done).off("close", done);
      resolve();
    };
    response.on(event, done).on("close", done);
  });
}
