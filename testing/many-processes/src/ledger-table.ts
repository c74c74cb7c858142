import type { ChaosResult } from "./run-chaos.js";

/** The columns of the table: their headings, and what stands in them. */
const COLUMNS: readonly (readonly [string, (result: ChaosResult) => number])[] = [
  ["seed", ({ seed }) => seed],
  ["calls", ({ calls }) => calls],
  ["refreshes", ({ refreshes }) => refreshes],
  ["kills", ({ kills }) => kills],
  ["stops", ({ stops }) => stops],
  ["store faults", ({ storeFaults }) => storeFaults],
  ["lost answers", ({ lostAnswers }) => lostAnswers],
  ["late answers", ({ lateAnswers }) => lateAnswers],
  ["cut requests", ({ cutRequests }) => cutRequests],
  ["refused (503)", ({ refusedRequests }) => refusedRequests],
  ["logouts", ({ logouts }) => logouts],
  ["logins", ({ logins }) => logins],
  ["issued", ({ tokens }) => tokens.issued],
  ["superseded", ({ tokens }) => tokens.superseded],
  ["current", ({ tokens }) => tokens.current],
  ["logged out", ({ tokens }) => tokens.loggedOut],
  ["replaced by a login", ({ tokens }) => tokens.replaced],
  ["named lost", ({ tokens }) => tokens.lost],
  ["of them: answer lost", ({ losses }) => losses["answer lost"]],
  ["answer late", ({ losses }) => losses["answer late"]],
  ["process killed", ({ losses }) => losses["process killed"]],
  ["process stopped", ({ losses }) => losses["process stopped"]],
  ["store down", ({ losses }) => losses["store down"]],
  ["machine slow", ({ losses }) => losses["machine slow"]],
  ["repeats", ({ repeats }) => repeats],
  ["violations", ({ violations }) => violations.length],
];

/** The two lines above the rows of the table. */
export function ledgerHead(): string {
  const headings = ["store", ...COLUMNS.map(([heading]) => heading)];
  return `| ${headings.join(" | ")} |\n|${headings.map((heading) => "-".repeat(heading.length + 2)).join("|")}|`;
}

/** One run as a row of the table. */
export function ledgerRow(store: string, result: ChaosResult): string {
  const cells = COLUMNS.map(([heading, read]) => String(read(result)).padStart(heading.length));
  return `| ${[store.padEnd(5), ...cells].join(" | ")} |`;
}
