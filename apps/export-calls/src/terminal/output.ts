/** Where a run prints its lines. */
export interface Output {
  line(text: string): void;
  /** Replaces the row that it printed last. Absent where there is no terminal. */
  redraw?(text: string): void;
  /** Ends the row that was redrawn last, so that the next line begins below it. */
  end(): void;
}

/** The part of `process.stdout` that is used. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Makes the {@link Output} of a stream, with rows that are redrawn if the stream is a terminal. */
export function streamOutput(stream: OutputStream): Output {
  let isRowOpen = false;
  const end = (): void => {
    if (isRowOpen) stream.write("\n");
    isRowOpen = false;
  };
  return {
    line(text) {
      end();
      stream.write(`${text}\n`);
    },
    ...(stream.isTTY === true && {
      redraw(text: string) {
        // A row longer than the terminal is wide would wrap, and only its last part would be replaced.
        stream.write(`\r${text.slice(0, (stream.columns || 80) - 1)}\x1b[K`);
        isRowOpen = true;
      },
    }),
    end,
  };
}
