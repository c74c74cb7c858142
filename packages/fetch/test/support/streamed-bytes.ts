/** A stream of letters that are made as they are read. */
export interface StreamedBytes {
  readonly stream: ReadableStream<Uint8Array>;
  /** The number of bytes made so far. */
  readonly made: number;
  readonly isCancelled: boolean;
}

/** Makes a stream of `size` bytes in pieces of 64 KiB; the byte at an index is a letter that depends on the index. */
export function streamedBytes(size: number): StreamedBytes {
  const piece = letters(65_536);
  let made = 0;
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const next = piece.slice(0, Math.min(piece.length, size - made));
        made += next.length;
        controller.enqueue(next);
        if (made === size) controller.close();
      },
      cancel() {
        isCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return {
    stream,
    get made() {
      return made;
    },
    get isCancelled() {
      return isCancelled;
    },
  };
}

/** Makes the first `size` bytes of {@link streamedBytes}; at most 64 KiB. */
export function letters(size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, index) => 97 + (index % 23));
}
