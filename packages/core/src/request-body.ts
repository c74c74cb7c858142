import { MAX_BUFFERED_BYTES } from "./send-authorized.js";
import { onAbort } from "./shared-abort.js";

/** A request's body, ready to be sent, and whether the same bytes can be sent again. */
export interface RequestBody<Body> {
  readonly body: Body;
  readonly isReplayable: boolean;
}

/**
 * Classifies a body as the Fetch standard's clients take it. Streams and other things that are read by iterating can
 * be sent once; everything else again. A `FormData` becomes a `Blob` of one boundary, referring to its files rather
 * than copying them, so that a replay has the same bytes and the same `Content-Type`; a `URLSearchParams` is copied.
 */
export function replayableBody<Body>(body: Body): RequestBody<Body | Blob | URLSearchParams> {
  if (typeof body !== "object" || body === null) return { body, isReplayable: true };
  if (isFormData(body)) return { body: multipartBlob(body), isReplayable: true };
  if (body instanceof URLSearchParams) return { body: new URLSearchParams(body), isReplayable: true };
  const isOneShot =
    "getReader" in body || "pipe" in body || Symbol.asyncIterator in body || isGenerator(body);
  return { body, isReplayable: !isOneShot };
}

/** Of the things that undici reads by iterating, lists and typed arrays can be read again. */
function isGenerator(body: object): boolean {
  return Symbol.iterator in body && !Array.isArray(body) && !ArrayBuffer.isView(body);
}

/** Of any realm. The package `form-data` calls its streams so too, and those have no entries. */
function isFormData(body: object): body is FormData {
  return Object.prototype.toString.call(body) === "[object FormData]" && Symbol.iterator in body;
}

/** @see WHATWG HTML, "Multipart form data"; WHATWG Fetch, "extract a body" */
function multipartBlob(form: FormData): Blob {
  // A Blob's type is lower-cased, so the boundary must be.
  const boundary = `----talkdesk-oauth-${crypto.randomUUID()}`;
  const escaped = (name: string): string =>
    name
      .replace(/\r\n?|\n/g, "\r\n")
      .replaceAll("\r", "%0D")
      .replaceAll("\n", "%0A")
      .replaceAll('"', "%22");
  const parts: (string | Blob)[] = [];
  for (const [name, value] of form) {
    const disposition = `--${boundary}\r\ncontent-disposition: form-data; name="${escaped(name)}"`;
    if (typeof value === "string") {
      parts.push(`${disposition}\r\n\r\n${value.replace(/\r\n?|\n/g, "\r\n")}\r\n`);
    } else {
      const type = value.type === "" ? "application/octet-stream" : value.type;
      const fileName = value.name.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
      parts.push(`${disposition}; filename="${fileName}"\r\ncontent-type: ${type}\r\n\r\n`, value, "\r\n");
    }
  }
  parts.push(`--${boundary}--\r\n`);
  return new Blob(parts, { type: `multipart/form-data; boundary=${boundary}` });
}

/**
 * Reads a stream of unknown length as far as it may be kept: a body of up to 64 KiB comes back whole and replayable, a
 * longer one as a stream of the same bytes that can be sent once.
 *
 * @returns A promise that rejects with the signal's reason when it aborts first, and with the stream's own error.
 */
export async function bufferedBody(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): Promise<RequestBody<Blob | ReadableStream<Uint8Array>>> {
  signal?.throwIfAborted();
  const reader = stream.getReader();
  // Cancelling ends a read that is under way as if the stream had ended; the check below tells the two apart.
  const stopListening =
    signal === undefined ? () => {} : onAbort(signal, () => void reader.cancel(signal.reason));
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    while (size <= MAX_BUFFERED_BYTES) {
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      // Not as bytes: up to Node 22, fetch cannot send those again where a 307 or 308 leads (it has detached them).
      if (done) return { body: new Blob(chunks), isReplayable: true };
      chunks.push(value as Uint8Array<ArrayBuffer>);
      size += value.byteLength;
    }
  } finally {
    stopListening();
  }
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = chunks.shift() ?? (await reader.read()).value;
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { body, isReplayable: false };
}
