import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import axios from "axios";
import { type Clock, platformClock } from "./base/clock.js";
import { describeError, ExportFailure } from "./base/export-failure.js";
import { download } from "./download/download.js";
import { type PartFile, partFile } from "./download/part-file.js";
import {
  awaitReport,
  deleteReport,
  isJobAddress,
  type ReportOptions,
  requestReport,
} from "./report/report-job.js";
import { openService, type Service } from "./service.js";
import { type CommandLine, findLastDay, readCommandLine, USAGE } from "./terminal/command-line.js";
import type { Output } from "./terminal/output.js";
import { formatSize, progressBar } from "./terminal/progress-bar.js";

/** Options of {@link exportCalls}. */
export interface ExportOptions {
  /** The arguments of the command. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Stops the export. A later run can resume it. */
  readonly signal: AbortSignal;
  readonly output: Output;
  complain(line: string): void;
  /** Default: the clock of the platform. */
  readonly clock?: Clock;
  /** How long no data may arrive before the connection counts as lost, in milliseconds. Default 30 000. */
  readonly stallMs?: number;
}

/** Longer than any answer but a download takes, whose data has a limit of its own. */
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Exports a report of calls to a file.
 *
 * @returns The exit code: 0, 1 after a failure, 2 for wrong arguments. `complain` has been called with one sentence then.
 */
export async function exportCalls(options: ExportOptions): Promise<number> {
  const { args, env, signal, output, complain } = options;
  let asked: CommandLine;
  try {
    asked = readCommandLine(args);
  } catch (error) {
    complain((error as Error).message);
    return 2;
  }
  if (asked.help) {
    output.line(USAGE);
    return 0;
  }
  const part = partFile(asked.out);
  let isEmulated = false;
  try {
    await checkTarget(asked.out);
    await using service = await openService(env);
    isEmulated = service.isEmulated;
    await exportFrom(service, asked, part, options);
    output.line("");
    output.line(isEmulated ? EMULATED : "This ran against the real service.");
    return 0;
  } catch (error) {
    output.end();
    complain(signal.aborted ? await describeStop(part, isEmulated) : describeError(error));
    return 1;
  }
}

const EMULATED =
  "All of this ran against an emulator on this machine, which cut the first connection on purpose. To export\n" +
  "from your account, set TALKDESK_ACCOUNT, TALKDESK_REGION, TALKDESK_CLIENT_ID and TALKDESK_CLIENT_SECRET.";

async function exportFrom(
  { source }: Service,
  { out, period }: CommandLine,
  part: PartFile,
  { signal, output, clock = platformClock, stallMs = 30_000 }: ExportOptions,
): Promise<void> {
  const api = axios.create({ timeout: REQUEST_TIMEOUT_MS, validateStatus: null });
  api.interceptors.request.use(talkdeskAxios(source));
  const gateway = new URL(source.api).origin;
  const reports: ReportOptions = {
    api,
    gateway,
    clock,
    signal,
    onWait: (reason, ms) =>
      (output.redraw ?? output.line)(`… ${reason}. Asking again in ${formatSeconds(ms)}.`),
  };

  const { job, file } = await findReport(period, part, reports, output);
  let bar = progressBar(output, clock);
  const bytes = await download(file, part, {
    api,
    clock,
    signal,
    stallMs,
    onSource(host, isResumed) {
      const isElsewhere = host !== new URL(gateway).host;
      output.line(
        `Downloading the ${isResumed ? "rest" : "file"} from ${host}${isElsewhere ? ", which does not get the token" : ""}.`,
      );
      bar = progressBar(output, clock);
    },
    onProgress: (have, total) => bar.show(have, total),
    onInterruption: (reason, ms) =>
      output.line(`Interrupted: ${reason}. Trying again in ${formatSeconds(ms)}.`),
  });
  await part.complete();
  output.line(`${out} is complete: ${formatSize(bytes)}.`);

  const status = await deleteReport(job, reports);
  const isRemoved = status !== undefined && (status < 300 || status === 404);
  if (isRemoved) output.line("The report has been deleted at Talkdesk.");
  else output.line(`The report could not be deleted at Talkdesk (${status ?? "no answer"}).`);
}

/** Finds the file of the report that an earlier run requested, or requests a new report. */
async function findReport(
  period: CommandLine["period"],
  part: PartFile,
  reports: ReportOptions,
  output: Output,
): Promise<{ readonly job: string; readonly file: string }> {
  const saved = await part.read();
  const isSame =
    saved !== undefined &&
    isJobAddress(saved.job, reports.gateway) &&
    (period === undefined || (period.from === saved.from && period.to === saved.to));
  if (isSame) {
    output.line(`Continuing with the report of an earlier run: calls from ${saved.from} to ${saved.to}.`);
    const outcome = await awaitReport(saved.job, reports);
    if ("file" in outcome) return { job: saved.job, file: outcome.file };
    output.line(`That report ${outcome.lost}. Requesting a new one.`);
  }
  const { from, to } = period ?? findLastDay(Date.now());
  const job = await requestReport({ from, to }, reports);
  await part.begin({ job, from, to });
  output.line(`Report requested: calls from ${from} to ${to}.`);
  const outcome = await awaitReport(job, reports);
  if ("file" in outcome) return { job, file: outcome.file };
  throw new ExportFailure(`The report ${outcome.lost}; run the same command again.`);
}

async function checkTarget(out: string): Promise<void> {
  const [place, target] = await Promise.all(
    [dirname(out), out].map((name) => stat(name).catch(() => undefined)),
  );
  if (place?.isDirectory() !== true) throw new ExportFailure(`There is no folder ${dirname(out)}.`);
  if (target?.isDirectory() === true)
    throw new ExportFailure(`${out} is a folder; --out must be the name of a file.`);
}

async function describeStop(part: PartFile, isEmulated: boolean): Promise<string> {
  if (isEmulated) return "Stopped, together with the emulator. The next run starts from the beginning.";
  const isKept = (await part.read()) !== undefined;
  return isKept
    ? `Stopped. Run the same command again to continue with ${part.path}.`
    : "Stopped before a report was requested.";
}

const formatSeconds = (ms: number): string => `${Number((ms / 1000).toFixed(1))} s`;
