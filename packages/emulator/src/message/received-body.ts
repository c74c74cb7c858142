import { createHash, type Hash } from "node:crypto";

/** The body of one request. Every byte is counted and hashed, and bytes are kept while there is room. */
export interface ReceivedBody {
  /** The number of bytes that have arrived. */
  readonly length: number;
  append(chunk: Uint8Array): void;
  /** Copies the bytes that are kept: the beginning of the body. */
  copyBytes(): Buffer;
  /** Gives the SHA-256 of all bytes that have arrived, in hexadecimal digits. */
  digest(): string;
  /** Call this when the request has ended: the kept bytes may be dropped when other bodies need the room. */
  release(): void;
  /** Takes the kept bytes out of the shared room. They live as long as the body is referenced. */
  disown(): void;
}

/** The room that all bodies share, so that uploads cannot fill the memory. */
export interface BodyMemory {
  /** Makes an empty body. */
  receive(): ReceivedBody;
}

// Larger than what a test looks at, and small enough for any machine.
const MAX_BYTES_OF_ONE = 8 * 2 ** 20;
const MAX_BYTES_OF_ALL = 64 * 2 ** 20;
// A form of a token request fits, so most bodies never grow.
const MIN_BUFFER_BYTES = 1024;

/** Makes the room: 8 MiB for each body and 64 MiB for all. */
export function makeBodyMemory(): BodyMemory {
  let used = 0;
  /** The released bodies, oldest first, each with the function that drops its bytes. */
  const released = new Map<ReceivedBody, () => void>();

  function reserve(bytes: number): boolean {
    for (const dropBytes of released.values()) {
      if (used + bytes <= MAX_BYTES_OF_ALL) break;
      dropBytes();
    }
    if (used + bytes > MAX_BYTES_OF_ALL) return false;
    used += bytes;
    return true;
  }

  function receive(): ReceivedBody {
    let buffer = Buffer.alloc(0);
    let kept = 0;
    let length = 0;
    /** Set as soon as a byte is not kept; until then the digest is taken of the buffer. */
    let hash: Hash | undefined;
    let isDisowned = false;

    function resize(capacity: number): void {
      const next = Buffer.allocUnsafeSlow(capacity);
      buffer.copy(next, 0, 0, kept);
      buffer = next;
    }

    function makeRoomFor(wanted: number): boolean {
      if (wanted <= buffer.length) return true;
      if (wanted > MAX_BYTES_OF_ONE) return false;
      const capacity = Math.min(MAX_BYTES_OF_ONE, Math.max(MIN_BUFFER_BYTES, buffer.length * 2, wanted));
      if (!isDisowned && !reserve(capacity - buffer.length)) return false;
      resize(capacity);
      return true;
    }

    function dropBytes(): void {
      body.disown();
      hash ??= createHash("sha256").update(buffer);
      buffer = Buffer.alloc(0);
      kept = 0;
    }

    const body: ReceivedBody = {
      get length() {
        return length;
      },
      append(chunk) {
        length += chunk.length;
        const part = hash === undefined ? chunk.subarray(0, MAX_BYTES_OF_ONE - kept) : chunk.subarray(0, 0);
        const added = part.length > 0 && makeRoomFor(kept + part.length) ? part.length : 0;
        buffer.set(part.subarray(0, added), kept);
        kept += added;
        if (added === chunk.length) return;
        hash ??= createHash("sha256").update(buffer.subarray(0, kept));
        hash.update(chunk.subarray(added));
      },
      copyBytes: () => Buffer.from(buffer.subarray(0, kept)),
      digest: () => (hash?.copy() ?? createHash("sha256").update(buffer.subarray(0, kept))).digest("hex"),
      release() {
        const spare = buffer.length - kept;
        if (spare > 0) resize(kept);
        if (isDisowned) return;
        used -= spare;
        if (kept > 0) released.set(body, dropBytes);
      },
      disown() {
        if (isDisowned) return;
        isDisowned = true;
        used -= buffer.length;
        released.delete(body);
      },
    };
    return body;
  }

  return { receive };
}
