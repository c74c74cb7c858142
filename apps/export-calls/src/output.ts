/** Where the words of a run go. */
export interface Output {
  line(text: string): void;
  /** Writes a row in place of the one that it wrote last. Absent where there is no terminal. */
  redraw?(text: string): void;
  /** Leaves the row that was redrawn last as it is. */
  end(): void;
}

/** What is needed of a stream such as `process.stdout`. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Writes lines to a stream, and rows that are redrawn if it is a terminal. */
export function outputTo(stream: OutputStream): Output {
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
        // A row that is longer than the terminal is wide would not be replaced, but pushed up.
        stream.write(`\r${text.slice(0, (stream.columns || 80) - 1)}\x1b[K`);
        isRowOpen = true;
      },
    }),
    end,
  };
}
