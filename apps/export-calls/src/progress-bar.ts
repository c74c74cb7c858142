import type { Clock } from "./clock.js";
import type { Output } from "./output.js";

/** Shows how far a download is. */
export interface ProgressBar {
  /** Cheap enough to be called for every chunk. `total` is undefined when it is not known. */
  show(bytes: number, total: number | undefined): void;
}

const cells = 24;
const redrawMs = 100;
const lineMs = 10_000;

/** Makes a bar that is redrawn on a terminal; elsewhere a line now and then: each quarter, and every ten seconds. */
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
        if (at - shownAt < redrawMs && !isWhole) return;
        shownAt = at;
        output.redraw(`${bar(share)}${amount(bytes, total)}  ${rateText(rate)}`);
        return;
      }
      const quarter = Math.floor((share ?? 0) * 4);
      if (shownAt === Number.NEGATIVE_INFINITY) {
        shownAt = at;
        shownQuarter = quarter;
      } else if (quarter > shownQuarter || at - shownAt >= lineMs) {
        shownAt = at;
        shownQuarter = quarter;
        output.line(`  ${percent(share)}${amount(bytes, total)}`);
      }
    },
  };
}

/** A number of bytes for people. */
export function sizeText(bytes: number): string {
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function bar(share: number | undefined): string {
  if (share === undefined) return "";
  const full = Math.floor(share * cells);
  return `[${"█".repeat(full)}${"░".repeat(cells - full)}] ${percent(share)}`;
}

const percent = (share: number | undefined): string =>
  share === undefined ? "" : `${String(Math.floor(share * 100)).padStart(3)} %  `;

const amount = (bytes: number, total: number | undefined): string =>
  total === undefined ? sizeText(bytes) : `${sizeText(bytes)} of ${sizeText(total)}`;

const rateText = (bytesPerMs: number): string => `${sizeText(bytesPerMs * 1_000)}/s`;
