import type { Clock } from "../base/clock.js";
import type { Output } from "./output.js";

/** Shows the progress of a download. */
export interface ProgressBar {
  /** Shows a size in bytes; cheap enough to call for every chunk. `total` is undefined when it is unknown. */
  show(bytes: number, total: number | undefined): void;
}

/** Leaves room for the numbers on a terminal of 80 columns. */
const CELLS = 24;
/** Smooth enough for the eye. */
const REDRAW_MS = 100;
/** Shows in a log that the download goes on, and keeps the log short. */
const LINE_MS = 10_000;

/** Makes a bar that is redrawn on a terminal. Elsewhere it prints a line for each quarter and every ten seconds. */
export function progressBar(output: Output, { now }: Clock): ProgressBar {
  const startedAt = now();
  let firstBytes: number | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;
  let shownQuarter = 0;

  return {
    show(bytes, total) {
      firstBytes ??= bytes;
      const at = now();
      const isWhole = bytes === total;
      const share = total ? Math.min(1, bytes / total) : undefined;
      const rate = (bytes - firstBytes) / Math.max(at - startedAt, 1);
      if (output.redraw !== undefined) {
        if (at - shownAt < REDRAW_MS && !isWhole) return;
        shownAt = at;
        output.redraw(`${formatBar(share)}${formatAmount(bytes, total)}  ${formatRate(rate)}`);
        return;
      }
      const quarter = Math.floor((share ?? 0) * 4);
      if (shownAt === Number.NEGATIVE_INFINITY) {
        shownAt = at;
        shownQuarter = quarter;
      } else if (quarter > shownQuarter || at - shownAt >= LINE_MS) {
        shownAt = at;
        shownQuarter = quarter;
        output.line(`  ${formatPercent(share)}${formatAmount(bytes, total)}`);
      }
    },
  };
}

/** Formats a number of bytes for people. */
export function formatSize(bytes: number): string {
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function formatBar(share: number | undefined): string {
  if (share === undefined) return "";
  const full = Math.floor(share * CELLS);
  return `[${"█".repeat(full)}${"░".repeat(CELLS - full)}] ${formatPercent(share)}`;
}

const formatPercent = (share: number | undefined): string =>
  share === undefined ? "" : `${String(Math.floor(share * 100)).padStart(3)} %  `;

const formatAmount = (bytes: number, total: number | undefined): string =>
  total === undefined ? formatSize(bytes) : `${formatSize(bytes)} of ${formatSize(total)}`;

const formatRate = (bytesPerMs: number): string => `${formatSize(bytesPerMs * 1_000)}/s`;
