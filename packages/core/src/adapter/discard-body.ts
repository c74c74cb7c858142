import { platformClock } from "../base/clock.js";
import { MAX_BUFFERED_BYTES } from "./request-body.js";

/** The longest that an adapter reads a refused answer that its caller will not get, in milliseconds. */
export const MAX_DISCARD_MS = 10_000;

/**
 * Reads the rest of a refused answer's body, so that its connection can be used again. Cancels a body of more than
 * {@link MAX_BUFFERED_BYTES}, and one that has not ended after {@link MAX_DISCARD_MS}. Never rejects.
 *
 * @param body A stream of the platform or of Node, or any async iterable of bytes.
 * @example
 * await discardBody(response.body);
 */
export async function discardBody(
  body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | null | undefined,
): Promise<void> {
  if (body === null || body === undefined) return;
  let timer: unknown;
  try {
    const reader = readerOf(body);
    timer = platformClock.setTimeout(() => void cancel(reader), MAX_DISCARD_MS);
    for (let size = 0; size <= MAX_BUFFERED_BYTES; ) {
      const { done, value } = await reader.read();
      if (done) return;
      size += value.byteLength;
    }
    await cancel(reader);
  } catch {
    // The connection is closed, or the caller has aborted.
  } finally {
    platformClock.clearTimeout?.(timer);
  }
}

async function cancel(reader: { cancel(): unknown }): Promise<void> {
  try {
    await reader.cancel();
  } catch {
    // The body is closed already.
  }
}

/** Returns a reader whose `cancel` ends a read in flight. An iterator's `return` would wait for the read. */
function readerOf(body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>): {
  read(): Promise<IteratorResult<Uint8Array, unknown>>;
  cancel(): unknown;
} {
  if ("getReader" in body) return body.getReader();
  const iterator = body[Symbol.asyncIterator]();
  const { destroy } = body as { destroy?: () => unknown };
  return {
    read: () => iterator.next(),
    cancel: () => (destroy === undefined ? iterator.return?.() : destroy.call(body)),
  };
}
