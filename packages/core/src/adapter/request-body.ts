import { onAbort } from "../base/shared-abort.js";

/** The most that an adapter keeps of a body in order to send or return it later, in bytes. */
export const MAX_BUFFERED_BYTES = 65_536;

/** A request's body, ready to be sent, and whether the same bytes can be sent again. */
export interface RequestBody<Body> {
  readonly body: Body;
  readonly isReplayable: boolean;
}

/**
 * Reads a body as it is now, so that what the caller changes later is not sent, and tells whether it can be sent again.
 *
 * - Strings can; buffers and lists of these are copied.
 * - A `FormData` becomes a `Blob` of one boundary, referring to its files rather than copying them, so that a replay has
 *   the same bytes and the same `Content-Type`.
 * - The platform's `URLSearchParams` is copied, and its `Blob` cannot change.
 * - Everything else is the client's to understand: it comes back as it is, to be sent once. That is so for streams and
 *   iterators, and for a `FormData`, `Blob` or `URLSearchParams` of another library, whose bytes may differ next time.
 *
 * @param ownFormData A `FormData` of the client's own, which it takes as it takes the platform's. Default: it has none.
 * @throws TypeError for a buffer that has been transferred.
 */
export function captureBody<Body>(
  body: Body,
  ownFormData?: FormDataClass,
): RequestBody<Body | Blob | URLSearchParams> {
  if (typeof body !== "object" || body === null) return { body, isReplayable: typeof body !== "function" };
  const copy = copyBytes(body) ?? copyChunks(body);
  if (copy !== undefined) return { body: copy as Body, isReplayable: true };
  if (isOf(body, globalThis.URLSearchParams)) return { body: new URLSearchParams(body), isReplayable: true };
  if (isPlatformBlob(body)) return { body, isReplayable: true };
  const entries = copyEntries(body, ownFormData);
  if (entries !== undefined) return { body: encodeMultipart(entries), isReplayable: true };
  return { body, isReplayable: false };
}

/** Not `instanceof`: what a subclass overrides is known to the client that sends it, and not to a copy. */
function isOf<Type>(
  value: object,
  type: (new (...args: never[]) => Type) | undefined,
): value is Type & object {
  return type !== undefined && Object.getPrototypeOf(value) === type.prototype;
}

function isPlatformBlob(value: object): value is Blob {
  return (isOf(value, globalThis.Blob) || isOf(value, globalThis.File)) && !Object.hasOwn(value, "stream");
}

const sliceOfTypedArray: (this: ArrayBufferView) => ArrayBufferView = Object.getPrototypeOf(
  Uint8Array.prototype,
).slice;

/** A copy of the same type, of which `Buffer` is one; undefined for what is not made of bytes. */
function copyBytes(body: object): object | undefined {
  if (ArrayBuffer.isView(body)) {
    // Of any realm, as below.
    if (tagOf(body) !== "DataView") return sliceOfTypedArray.call(body);
    return new DataView(body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength));
  }
  return tagOf(body) === "ArrayBuffer" ? (body as ArrayBuffer).slice(0) : undefined;
}

/** A copy of a list of strings and bytes, which undici sends one after the other. */
function copyChunks(body: object): unknown[] | undefined {
  if (!Array.isArray(body)) return undefined;
  const copies = body.map((chunk: unknown) => (typeof chunk === "string" ? chunk : copyBytes(Object(chunk))));
  return copies.includes(undefined) ? undefined : copies;
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

type FormEntry = readonly [name: string, value: string | File];

type FormDataClass = new (...args: never[]) => object;

/** What a known `FormData` consists of now; undefined for any other, and where it has files that are not the platform's. */
function copyEntries(body: object, ownFormData?: FormDataClass): readonly FormEntry[] | undefined {
  const classes: readonly (FormDataClass | undefined)[] = [globalThis.FormData, ownFormData];
  if (!classes.some((known) => isOf(body, known))) return undefined;
  const entries = [...(body as unknown as Iterable<FormEntry>)];
  const isKnown = ([, value]: FormEntry): boolean => typeof value === "string" || isPlatformBlob(value);
  return entries.every(isKnown) ? entries : undefined;
}

/** @see WHATWG HTML, "Multipart form data"; WHATWG Fetch, "extract a body" */
function encodeMultipart(form: readonly FormEntry[]): Blob {
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
    const disposition = `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"`;
    if (typeof value === "string") {
      parts.push(`${disposition}\r\n\r\n${value.replace(/\r\n?|\n/g, "\r\n")}\r\n`);
    } else {
      const type = value.type === "" ? "application/octet-stream" : value.type;
      const fileName = value.name.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
      parts.push(`${disposition}; filename="${fileName}"\r\nContent-Type: ${type}\r\n\r\n`, value, "\r\n");
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
export async function bufferBody(
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
