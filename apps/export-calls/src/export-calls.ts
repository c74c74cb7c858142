import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import axios from "axios";
import { type Clock, platformClock } from "./clock.js";
import { type CommandLine, lastDayBefore, readCommandLine, usage } from "./command-line.js";
import { download } from "./download.js";
import { ExportFailure, sentenceOf } from "./export-failure.js";
import type { Output } from "./output.js";
import { type PartFile, partFile } from "./part-file.js";
import { progressBar, sizeText } from "./progress-bar.js";
import { awaitReport, isJob, type ReportSurroundings, removeReport, startReport } from "./report-job.js";
import { openService, type Service } from "./service.js";

/** Where the export reads its settings, puts its words, and how it is stopped. */
export interface ExportSurroundings {
  /** The arguments of the command. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Stops the export. What a later run can go on with is kept. */
  readonly signal: AbortSignal;
  readonly output: Output;
  complain(line: string): void;
  /** Default: the machine's own. */
  readonly clock?: Clock;
  /** How long no byte may come before a connection counts as lost, in milliseconds. Default 30 000. */
  readonly stallMs?: number;
}

const requestTimeoutMs = 30_000;

/**
 * Exports a calls report to a file.
 *
 * @returns The exit code: 0, or after one sentence about what to do 1, and 2 when the arguments are wrong.
 */
export async function exportCalls(surroundings: ExportSurroundings): Promise<number> {
  const { args, env, signal, output, complain } = surroundings;
  let asked: CommandLine;
  try {
    asked = readCommandLine(args);
  } catch (error) {
    complain((error as Error).message);
    return 2;
  }
  if (asked.help) {
    output.line(usage);
    return 0;
  }
  const part = partFile(asked.out);
  let isEmulated = false;
  try {
    await checkPlace(asked.out);
    await using service = await openService(env);
    isEmulated = service.isEmulated;
    await exportFrom(service, asked, part, surroundings);
    output.line("");
    output.line(isEmulated ? EMULATED : "This was the real service.");
    return 0;
  } catch (error) {
    output.end();
    complain(signal.aborted ? await stopped(part, isEmulated) : sentenceOf(error));
    return 1;
  }
}

const EMULATED =
  "All of this was an emulator on this machine, which cut the first connection on purpose. To export from your\n" +
  "account, set TALKDESK_ACCOUNT, TALKDESK_REGION, TALKDESK_CLIENT_ID and TALKDESK_CLIENT_SECRET.";

async function exportFrom(
  { source }: Service,
  { out, period }: CommandLine,
  part: PartFile,
  { signal, output, clock = platformClock, stallMs = 30_000 }: ExportSurroundings,
): Promise<void> {
  const api = axios.create({ timeout: requestTimeoutMs, validateStatus: null });
  api.interceptors.request.use(talkdeskAxios(source));
  const gateway = new URL(source.api).origin;
  const reports: ReportSurroundings = {
    api,
    gateway,
    clock,
    signal,
    onWait: (reason, ms) => (output.redraw ?? output.line)(`… ${reason}; asking again in ${seconds(ms)}.`),
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
        `${isResumed ? "Going on with the rest" : "Fetching the file"} from ${host}${isElsewhere ? ", where the token does not go" : ""}.`,
      );
      bar = progressBar(output, clock);
    },
    onProgress: (have, total) => bar.show(have, total),
    onInterruption: (reason, ms) => output.line(`Interrupted: ${reason}. Trying again in ${seconds(ms)}.`),
  });
  await part.complete();
  output.line(`${out} is whole: ${sizeText(bytes)}.`);

  const status = await removeReport(job, reports);
  const isRemoved = status !== undefined && (status < 300 || status === 404);
  if (isRemoved) output.line("The report is deleted at Talkdesk.");
  else output.line(`The report stays at Talkdesk: deleting it was answered ${status ?? "with nothing"}.`);
}

/** Finds the file of the report that an earlier run has asked for, else of a new one. */
async function findReport(
  period: CommandLine["period"],
  part: PartFile,
  reports: ReportSurroundings,
  output: Output,
): Promise<{ readonly job: string; readonly file: string }> {
  const saved = await part.read();
  const isSame =
    saved !== undefined &&
    isJob(saved.job, reports.gateway) &&
    (period === undefined || (period.from === saved.from && period.to === saved.to));
  if (isSame) {
    output.line(`Going on with the report of an earlier run: calls from ${saved.from} to ${saved.to}.`);
    const outcome = await awaitReport(saved.job, reports);
    if ("file" in outcome) return { job: saved.job, file: outcome.file };
    output.line(`That report is ${outcome.lost}; asking for a new one.`);
  }
  const { from, to } = period ?? lastDayBefore(Date.now());
  const job = await startReport({ from, to }, reports);
  await part.begin({ job, from, to });
  output.line(`Report requested: calls from ${from} to ${to}.`);
  const outcome = await awaitReport(job, reports);
  if ("file" in outcome) return { job, file: outcome.file };
  throw new ExportFailure(`Talkdesk says that the report is ${outcome.lost}; run the same command again.`);
}

async function checkPlace(out: string): Promise<void> {
  const [place, target] = await Promise.all(
    [dirname(out), out].map((name) => stat(name).catch(() => undefined)),
  );
  if (place?.isDirectory() !== true) throw new ExportFailure(`There is no folder ${dirname(out)}.`);
  if (target?.isDirectory() === true) throw new ExportFailure(`${out} is a folder; --out takes a file.`);
}

async function stopped(part: PartFile, isEmulated: boolean): Promise<string> {
  if (isEmulated) return "Stopped, and the emulator with it; the next run starts over.";
  const isKept = (await part.read()) !== undefined;
  return isKept
    ? `Stopped; run the same command again to go on with ${part.path}.`
    : "Stopped before there was anything to keep.";
}

const seconds = (ms: number): string => `${Number((ms / 1000).toFixed(1))} s`;
