import { parseUrl, retryAfterMs } from "@talkdesk-oauth/core";
import { type AxiosInstance, type AxiosResponse, isAxiosError, isCancel } from "axios";
import type { Clock } from "./clock.js";
import { ExportFailure, refusal } from "./export-failure.js";
import { growingWaits } from "./growing-waits.js";

/** What a report is about: two instants, ISO 8601 in UTC. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** What asking for reports takes. */
export interface ReportSurroundings {
  /** Sends a token, and gives every answer back, whatever its status. */
  readonly api: AxiosInstance;
  /** Where the token may go: an origin. */
  readonly gateway: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of each wait, in milliseconds. */
  onWait(reason: string, ms: number): void;
}

/** What became of a job: a file to fetch, or nothing, and why. */
export type ReportOutcome = { readonly file: string } | { readonly lost: string };

const jobsPath = "/data/reports/calls/jobs";
const waits = { firstMs: 1_000, longestMs: 15_000, totalMs: 30 * 60_000 };
const lostStates = ["failed", "canceled", "deleted"];

/**
 * Asks for a report, again if Talkdesk has too many of them at the moment.
 *
 * @returns The address of the job.
 */
export async function startReport(period: Period, surroundings: ReportSurroundings): Promise<string> {
  const { api, gateway, clock, signal, onWait } = surroundings;
  const nextWait = growingWaits(waits, clock, "Requesting the report");
  const body = { name: "calls", format: "csv", timezone: "UTC", timespan: period };
  for (;;) {
    // Nothing is sent again after a connection that broke: the job may have been made.
    const response = await api.post(jobsPath, body, { signal });
    if (response.status === 202) {
      const job = addressIn(response, response.data?._links?.self?.href, gateway);
      if (job !== undefined && isJob(job, gateway)) return job;
      throw new ExportFailure("Talkdesk accepted the report, but did not say where it is.");
    }
    if (response.status !== 429 && response.status !== 503)
      throw refusal("the request for a report", response);
    const ms = nextWait(retryAfterMs(response.headers, response.data));
    onWait(`Talkdesk is busy (${response.status})`, ms);
    await clock.sleep(ms, signal);
  }
}

/** Whether an address is that of a calls report's job at a gateway, and so may be asked with a token. */
export function isJob(address: string, gateway: string): boolean {
  const url = parseUrl(address);
  return url?.origin === gateway && url.pathname.startsWith(`${jobsPath}/`) && url.search === "";
}

/** Polls a job until there is a file, or will not be one. */
export async function awaitReport(job: string, surroundings: ReportSurroundings): Promise<ReportOutcome> {
  const { api, clock, signal, onWait } = surroundings;
  const nextWait = growingWaits(waits, clock, "Preparing the report");
  for (;;) {
    // The redirect is not followed: a poll is answered with JSON, the file is for the download to fetch.
    const response = await unlessUnreachable(api.get(job, { signal, maxRedirects: 0 }));
    const outcome = response === undefined ? undefined : outcomeOf(response, job);
    if (outcome !== undefined) return outcome;
    const ms = nextWait(response && retryAfterMs(response.headers, response.data));
    onWait(waitReason(response), ms);
    await clock.sleep(ms, signal);
  }
}

/** Has Talkdesk forget a job and its file. Tells the status of the answer; undefined when there was none. */
export async function removeReport(
  job: string,
  { api, signal }: ReportSurroundings,
): Promise<number | undefined> {
  return (await unlessUnreachable(api.delete(job, { signal })))?.status;
}

function outcomeOf(response: AxiosResponse, job: string): ReportOutcome | undefined {
  const { status, data } = response;
  if (status === 404 || status === 410) return { lost: "gone" };
  if (status === 429 || status >= 500) return undefined;
  if (status !== 200 && status !== 303) throw refusal("the question for the report", response);
  const state = String(data?.job?.status ?? "").toLowerCase();
  if (lostStates.includes(state)) return { lost: state };
  if (status === 200 && state !== "done") return undefined;
  const file = addressIn(response, data?._links?.files?.href, job);
  if (file === undefined)
    throw new ExportFailure("Talkdesk finished the report, but did not say where its file is.");
  return { file };
}

function addressIn({ headers }: AxiosResponse, link: unknown, base: string): string | undefined {
  const said = headers["location"] ?? link;
  return typeof said === "string" ? parseUrl(said, base)?.href : undefined;
}

function waitReason(response: AxiosResponse | undefined): string {
  if (response === undefined) return "Talkdesk cannot be reached";
  return response.status === 200 ? "The report is being made" : `Talkdesk is busy (${response.status})`;
}

async function unlessUnreachable(sending: Promise<AxiosResponse>): Promise<AxiosResponse | undefined> {
  try {
    return await sending;
  } catch (error) {
    if (isAxiosError(error) && !isCancel(error)) return undefined;
    throw error;
  }
}
