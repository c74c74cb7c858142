import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, wholeBody } from "../message/answer.js";

/** How an answer goes out: as it is, or with something wrong. */
export type Manner =
  | { readonly kind: "plain" }
  | { readonly kind: "reset"; readonly when: "headers" | "body" }
  | { readonly kind: "truncate"; readonly bytes: number }
  | { readonly kind: "trickle"; readonly chunkBytes: number; readonly everyMs: number };

// A reset overtakes what is still under way; after this pause the client has read what was sent before it.
const beforeResetMs = 25;

/**
 * Writes an answer.
 *
 * @param onHead Called with the status as soon as the head is written.
 * @returns Whether the answer was cut on purpose. What a client that has gone away misses is not.
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
    await ended(response);
    return false;
  }

  const body = await wholeBody(answer);
  writeHead(body.length);
  switch (manner.kind) {
    case "trickle":
      if (!(await writeChunks(response, trickled(body, manner.chunkBytes, manner.everyMs)))) return false;
      response.end();
      await ended(response);
      return false;
    case "truncate":
      await write(response, body.subarray(0, manner.bytes));
      response.socket?.end();
      response.socket?.destroySoon();
      await ended(response);
      return true;
    case "reset":
      if (manner.when === "body") await write(response, body.subarray(0, Math.ceil(body.length / 2)));
      await sleep(beforeResetMs);
      response.socket?.resetAndDestroy();
      return true;
  }
}

async function* trickled(body: Uint8Array, chunkBytes: number, everyMs: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < body.length; start += chunkBytes) {
    if (start > 0) await sleep(everyMs, undefined, { ref: false });
    yield body.subarray(start, start + chunkBytes);
  }
}

/** Tells whether all was written. A response that is ended after its client has gone would count as finished. */
async function writeChunks(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array | string>,
): Promise<boolean> {
  for await (const chunk of chunks) {
    if (response.destroyed) return false;
    if (!response.write(chunk)) await drained(response);
  }
  return !response.destroyed;
}

function write(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (chunk.length === 0) resolve();
    else response.write(chunk, () => resolve());
  });
}

function drained(response: ServerResponse): Promise<void> {
  return settled(response, "drain");
}

function ended(response: ServerResponse): Promise<void> {
  return response.writableFinished ? Promise.resolve() : settled(response, "finish");
}

function settled(response: ServerResponse, event: string): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const done = (): void => {
      response.off(event, done).off("close", done);
      resolve();
    };
    response.on(event, done).on("close", done);
  });
}
