import { platformClock } from "../base/clock.js";
import { MAX_BUFFERED_BYTES } from "./request-body.js";

/** The longest that an adapter reads a refused answer that nobody will get, in milliseconds. */
export const MAX_DISCARD_MS = 10_000;

/**
 * Reads away what is left of a refused answer's body, so that its connection can be used again. A body of more than
 * {@link MAX_BUFFERED_BYTES}, or one that has not ended after {@link MAX_DISCARD_MS}, is cancelled. Never rejects.
 *
 * @param body A stream of the platform's or of Node's, or another thing that is read by iterating.
 */
export async function discardBody(body: UnreadBody | null | undefined): Promise<void> {
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
    // The connection is gone already, or the caller has stopped it.
  } finally {
    platformClock.clearTimeout?.(timer);
  }
}

async function cancel(reader: { cancel(): unknown }): Promise<void> {
  try {
    await reader.cancel();
  } catch {
    // There is nothing left to free.
  }
}

type UnreadBody = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** Its `cancel` ends a read that is under way; the `return` of an iterator would wait for it. */
function readerOf(body: UnreadBody): {
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
