import { createHash, type Hash } from "node:crypto";

/** The body of one request. Every byte is counted and hashed; what there is room for is kept. */
export interface ReceivedBody {
  /** How many bytes have come. */
  readonly length: number;
  append(chunk: Uint8Array): void;
  /** A copy of what is kept: the body's beginning. */
  bytes(): Buffer;
  /** The SHA-256 of all that has come, in hexadecimal digits. */
  sha256(): string;
  /** Says that the request has been dealt with: what is kept may be forgotten when other bodies need the room. */
  release(): void;
  /** Takes what is kept out of the shared room. It lives as long as somebody holds it. */
  disown(): void;
}

/** The room that all bodies share, so that uploads cannot fill the memory. */
export interface BodyMemory {
  /** Makes an empty body. */
  receive(): ReceivedBody;
}

/** How much room there is, in bytes. */
export interface BodyRoom {
  /** For one body. */
  readonly each: number;
  /** For all bodies together. */
  readonly all: number;
}

const smallestBuffer = 1024;

/** Makes the room. Default: 8 MiB for each body and 64 MiB for all. */
export function bodyMemory({ each, all }: BodyRoom = { each: 2 ** 23, all: 2 ** 26 }): BodyMemory {
  let used = 0;
  /** Those that may be forgotten, oldest first, each with what forgets it. */
  const released = new Map<ReceivedBody, () => void>();

  function reserve(bytes: number): boolean {
    for (const forget of released.values()) {
      if (used + bytes <= all) break;
      forget();
    }
    if (used + bytes > all) return false;
    used += bytes;
    return true;
  }

  function receive(): ReceivedBody {
    let buffer = Buffer.alloc(0);
    let kept = 0;
    let length = 0;
    /** There as soon as something is not kept. */
    let hash: Hash | undefined;
    let isDisowned = false;

    function resize(capacity: number): void {
      const next = Buffer.allocUnsafeSlow(capacity);
      buffer.copy(next, 0, 0, kept);
      buffer = next;
    }

    function hasRoomFor(wanted: number): boolean {
      if (wanted <= buffer.length) return true;
      if (wanted > each) return false;
      const capacity = Math.min(each, Math.max(smallestBuffer, buffer.length * 2, wanted));
      if (!isDisowned && !reserve(capacity - buffer.length)) return false;
      resize(capacity);
      return true;
    }

    function forget(): void {
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
        const part = hash === undefined ? chunk.subarray(0, each - kept) : chunk.subarray(0, 0);
        const keeps = part.length > 0 && hasRoomFor(kept + part.length) ? part.length : 0;
        buffer.set(part.subarray(0, keeps), kept);
        kept += keeps;
        if (keeps === chunk.length) return;
        hash ??= createHash("sha256").update(buffer.subarray(0, kept));
        hash.update(chunk.subarray(keeps));
      },
      bytes: () => Buffer.from(buffer.subarray(0, kept)),
      sha256: () => (hash?.copy() ?? createHash("sha256").update(buffer.subarray(0, kept))).digest("hex"),
      release() {
        const spare = buffer.length - kept;
        if (spare > 0) resize(kept);
        if (isDisowned) return;
        used -= spare;
        if (kept > 0) released.set(body, forget);
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
