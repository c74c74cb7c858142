import { reduceCause } from "./errors.js";
import type { FetchResponse } from "./fetch-function.js";

/**
 * A body that has arrived and cannot be read, so that asking again would not help. The message continues a sentence
 * that begins with "its body".
 * @internal
 */
export class UnreadableBody extends Error {}

/**
 * A body that is not compressed as its `content-encoding` says.
 * @internal
 */
export class DamagedBody extends UnreadableBody {}

/** Codes of Node for compressed data that is damaged. */
const NOT_COMPRESSED = /^(?:Z_|ERR__ERROR_|ERR_BROTLI|ERR_ZSTD|ZSTD_)|^ZlibError$/;

/**
 * Reads the body of an answer. Returns undefined for a body of more than `maxBytes`, and stops reading it there where it
 * can be read in parts.
 *
 * @throws (rejection)
 * - {@link UnreadableBody}, when the body cannot be read.
 * - The error of the network, when the body breaks off.
 * @internal
 */
export async function readBody(response: FetchResponse, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of readParts(response)) {
      const chunk = toBytes(part);
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > maxBytes) return undefined;
    }
  } catch (error) {
    if (NOT_COMPRESSED.test(reduceCause(error)?.code ?? "")) {
      throw new DamagedBody("could not be decompressed", { cause: error });
    }
    throw error;
  }
  const body = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return body;
}

/** Reads the body in whichever way the response offers: a `fetch` may be another than the platform's. */
async function* readParts(response: FetchResponse): AsyncGenerator<unknown, void, undefined> {
  const { body } = response;
  if (response.bodyUsed === true) throw new UnreadableBody("was read before, by something else");
  if (isReadableStream(body)) yield* readChunks(body);
  else if (isAsyncIterable(body)) yield* body;
  else if (typeof response.arrayBuffer === "function") yield await readWhole(() => response.arrayBuffer?.());
  else if (typeof response.text === "function") yield await readWhole(() => response.text?.());
  else if (hasJson(response)) yield JSON.stringify(await readWhole(() => response.json()));
  else if (body !== null) {
    throw new UnreadableBody(
      "has no way to be read: the response has neither a stream as its body nor arrayBuffer() or text()",
    );
  }
}

async function* readChunks(body: ReadableStream<unknown>): AsyncGenerator<unknown, void, undefined> {
  let reader: ReadableStreamDefaultReader<unknown>;
  try {
    reader = body.getReader();
  } catch (error) {
    throw new UnreadableBody("is locked: something else reads it", { cause: error });
  }
  let isWhole = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      isWhole = done;
      if (done) return;
      yield value;
    }
  } finally {
    // Not awaited, since the body may never end.
    if (!isWhole) reader.cancel().catch(() => {});
  }
}

/** Reads a body in one call. An error with a code, or an abort, is a fault of the network; any other is of the body. */
async function readWhole<T>(read: () => T): Promise<Awaited<T>> {
  try {
    return await read();
  } catch (error) {
    const { name = "", code } = reduceCause(error) ?? {};
    if (code !== undefined || name === "AbortError" || name === "TimeoutError") throw error;
    throw new UnreadableBody("could not be read", { cause: error });
  }
}

function toBytes(part: unknown): Uint8Array {
  if (typeof part === "string") return new TextEncoder().encode(part);
  if (ArrayBuffer.isView(part)) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  if (Object.prototype.toString.call(part) === "[object ArrayBuffer]")
    return new Uint8Array(part as ArrayBuffer);
  throw new UnreadableBody("consists of something else than bytes");
}

const isReadableStream = (body: unknown): body is ReadableStream<unknown> =>
  typeof (body as { getReader?: unknown } | null | undefined)?.getReader === "function";

const isAsyncIterable = (body: unknown): body is AsyncIterable<unknown> =>
  typeof (body as { [Symbol.asyncIterator]?: unknown } | null | undefined)?.[Symbol.asyncIterator] ===
  "function";

/** Test doubles often have `json()` alone. */
const hasJson = (response: object): response is { json(): unknown } =>
  typeof (response as { json?: unknown }).json === "function";

/**
 * Drops a body that will not be read, and closes its connection.
 * @internal
 */
export function dropBody({ body }: FetchResponse): void {
  const { cancel, destroy } = Object(body) as { cancel?: () => unknown; destroy?: () => unknown };
  (async () => await (cancel ?? destroy)?.call(body))().catch(() => {});
}
