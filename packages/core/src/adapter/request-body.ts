import { onAbort } from "../base/shared-abort.js";

/** The most bytes of a body that an adapter keeps in order to send or return them later. */
export const MAX_BUFFERED_BYTES = 65_536;

/** A body that is ready to be sent, and whether the same bytes can be sent again. */
export interface RequestBody<Body> {
  /** What to send: the body itself, or a copy of it that later changes do not reach. */
  readonly body: Body;
  /** True when the body can be sent a second time. */
  readonly isReplayable: boolean;
}

/**
 * Captures a body as it is now, so that later changes by the caller are not sent, and says whether it can be sent again.
 *
 * - Strings, and `Blob`s of the platform: unchanged, can be sent again.
 * - Buffers, lists of strings and buffers, and `URLSearchParams` of the platform: copied, can be sent again.
 * - `FormData`: turned into a `Blob` with a fixed boundary, which refers to the files. A replay has the same bytes and
 *   the same `Content-Type`.
 * - Everything else: unchanged, can be sent once. That includes streams, iterators, and a `FormData`, `Blob` or
 *   `URLSearchParams` of another library, whose bytes may differ the next time.
 *
 * @param ownFormData The client's own `FormData` class, which is treated as the platform's. Default: none.
 * @throws TypeError for a buffer that has been transferred.
 * @example
 * const { body, isReplayable } = captureBody(init.body);
 */
export function captureBody<Body>(
  body: Body,
  ownFormData?: new (...args: never[]) => object,
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

/** True for a direct instance. A subclass may override methods that a copy would not have. */
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

/** Copies bytes into an object of the same type, `Buffer` included. Undefined for objects of another kind. */
function copyBytes(body: object): object | undefined {
  if (ArrayBuffer.isView(body)) {
    // By tag, since the object may be of another realm.
    if (tagOf(body) !== "DataView") return sliceOfTypedArray.call(body);
    return new DataView(body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength));
  }
  return tagOf(body) === "ArrayBuffer" ? (body as ArrayBuffer).slice(0) : undefined;
}

/** Copies a list of strings and buffers, which undici sends one after the other. */
function copyChunks(body: object): unknown[] | undefined {
  if (!Array.isArray(body)) return undefined;
  const copies = body.map((chunk: unknown) => (typeof chunk === "string" ? chunk : copyBytes(Object(chunk))));
  return copies.includes(undefined) ? undefined : copies;
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

type FormEntry = readonly [name: string, value: string | File];

/** Copies the entries of a known `FormData`. Undefined for any other, or with files that are not the platform's. */
function copyEntries(
  body: object,
  ownFormData?: new (...args: never[]) => object,
): readonly FormEntry[] | undefined {
  if (!isOf(body, globalThis.FormData) && !isOf(body, ownFormData)) return undefined;
  const entries = [...(body as unknown as Iterable<FormEntry>)];
  const isKnown = ([, value]: FormEntry): boolean => typeof value === "string" || isPlatformBlob(value);
  return entries.every(isKnown) ? entries : undefined;
}

/**
 * Encodes the entries as `multipart/form-data`.
 * @see WHATWG HTML, "Multipart form data"; WHATWG Fetch, "extract a body"
 */
function encodeMultipart(form: readonly FormEntry[]): Blob {
  // Blob lower-cases its type, so the boundary has to be in lower case.
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
      // Bun gives a Blob without a name where the standard has a File that is called blob.
      const { name: given = "blob" } = value;
      const fileName = given.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
      parts.push(`${disposition}; filename="${fileName}"\r\nContent-Type: ${type}\r\n\r\n`, value, "\r\n");
    }
  }
  parts.push(`--${boundary}--\r\n`);
  return new Blob(parts, { type: `multipart/form-data; boundary=${boundary}` });
}

/**
 * Buffers a stream of up to 64 KiB, which can then be sent again. A longer stream comes back as a stream of the same
 * bytes that can be sent once.
 *
 * @throws (rejection)
 * - The signal's reason, when it aborts first.
 * - The stream's own error.
 * @example
 * if (request.body !== null) {
 *   const { body, isReplayable } = await bufferBody(request.body, request.signal);
 * }
 */
export async function bufferBody(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): Promise<RequestBody<Blob | ReadableStream<Uint8Array>>> {
  signal?.throwIfAborted();
  const reader = stream.getReader();
  // Cancelling ends a read in flight as if the stream had ended; the check below tells the two apart.
  const stopListening =
    signal === undefined ? () => {} : onAbort(signal, () => void reader.cancel(signal.reason));
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    while (size <= MAX_BUFFERED_BYTES) {
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      // A Blob, since up to Node 22 `fetch` detaches bytes and cannot send them again after a 307 or 308.
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
