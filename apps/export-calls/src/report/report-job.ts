import { parseUrl, retryAfterMs } from "@talkdesk-oauth/core";
import { type AxiosInstance, type AxiosResponse, isAxiosError, isCancel } from "axios";
import type { Clock } from "../base/clock.js";
import { describeRefusal, ExportFailure } from "../base/export-failure.js";
import { growingWaits } from "../base/growing-waits.js";

/** The period of a report: two instants, ISO 8601 in UTC. `to` is not included. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** Options of the functions below. */
export interface ReportOptions {
  /** Sends a token, and resolves with every status. */
  readonly api: AxiosInstance;
  /** The origin of the gateway, which gets the token. */
  readonly gateway: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called before each wait with its reason and its length in milliseconds. */
  onWait(reason: string, ms: number): void;
}

/** The result of a job: the address of its file, or what happened to the report, such as "has failed". */
export type ReportOutcome = { readonly file: string } | { readonly lost: string };

const JOBS_PATH = "/data/reports/calls/jobs";
/** Polite to the service: most reports take a few minutes, and none should take half an hour. */
const WAITS = { firstMs: 1_000, longestMs: 15_000, totalMs: 30 * 60_000 };
/** States of a job that will have no file, as the end of a sentence. */
const LOST_STATES: ReadonlyMap<string, string> = new Map([
  ["failed", "has failed"],
  ["canceled", "was canceled"],
  ["deleted", "was deleted"],
]);

/**
 * Requests a report, and repeats the request while Talkdesk is busy.
 *
 * @returns The address of the job.
 * @throws {@link ExportFailure} (rejection) when Talkdesk refuses the request or is busy for too long.
 */
export async function requestReport(period: Period, options: ReportOptions): Promise<string> {
  const { api, gateway, clock, signal, onWait } = options;
  const nextWait = growingWaits(WAITS, clock, "Requesting the report");
  const body = { name: "calls", format: "csv", timezone: "UTC", timespan: period };
  for (;;) {
    // A lost connection is not a reason to repeat the request: Talkdesk may have created the job.
    const response = await api.post(JOBS_PATH, body, { signal });
    if (response.status === 202) {
      const job = readAddress(response, response.data?._links?.self?.href, gateway);
      if (job !== undefined && isJobAddress(job, gateway)) return job;
      throw new ExportFailure(
        "Talkdesk accepted the request for a report, but did not send the address of the report.",
      );
    }
    if (response.status !== 429 && response.status !== 503)
      throw describeRefusal("the request for a report", response);
    const ms = nextWait(retryAfterMs(response.headers, response.data));
    onWait(`Talkdesk is busy (${response.status})`, ms);
    await clock.sleep(ms, signal);
  }
}

/** True for the address of a report job at the gateway, which may get the token. */
export function isJobAddress(address: string, gateway: string): boolean {
  const url = parseUrl(address);
  return url?.origin === gateway && url.pathname.startsWith(`${JOBS_PATH}/`) && url.search === "";
}

/** Polls a job until its file exists, or never will. */
export async function awaitReport(job: string, options: ReportOptions): Promise<ReportOutcome> {
  const { api, clock, signal, onWait } = options;
  const nextWait = growingWaits(WAITS, clock, "Preparing the report");
  for (;;) {
    // The redirect of a finished job leads to the file, which the download fetches.
    const response = await ignoreUnreachable(api.get(job, { signal, maxRedirects: 0 }));
    const outcome = response === undefined ? undefined : readOutcome(response, job);
    if (outcome !== undefined) return outcome;
    const ms = nextWait(response && retryAfterMs(response.headers, response.data));
    onWait(describeWait(response), ms);
    await clock.sleep(ms, signal);
  }
}

/** Deletes a job and its file at Talkdesk. Returns the status of the answer; undefined when there was none. */
export async function deleteReport(job: string, { api, signal }: ReportOptions): Promise<number | undefined> {
  return (await ignoreUnreachable(api.delete(job, { signal })))?.status;
}

function readOutcome(response: AxiosResponse, job: string): ReportOutcome | undefined {
  const { status, data } = response;
  if (status === 404 || status === 410) return { lost: "no longer exists" };
  if (status === 429 || status >= 500) return undefined;
  if (status !== 200 && status !== 303)
    throw describeRefusal("the request for the state of the report", response);
  const state = String(data?.job?.status ?? "").toLowerCase();
  const lost = LOST_STATES.get(state);
  if (lost !== undefined) return { lost };
  if (status === 200 && state !== "done") return undefined;
  const file = readAddress(response, data?._links?.files?.href, job);
  if (file === undefined)
    throw new ExportFailure("Talkdesk finished the report, but did not send the address of its file.");
  return { file };
}

function readAddress({ headers }: AxiosResponse, link: unknown, base: string): string | undefined {
  const said = headers["location"] ?? link;
  return typeof said === "string" ? parseUrl(said, base)?.href : undefined;
}

function describeWait(response: AxiosResponse | undefined): string {
  if (response === undefined) return "Talkdesk cannot be reached";
  return response.status === 200 ? "The report is being made" : `Talkdesk is busy (${response.status})`;
}

async function ignoreUnreachable(sending: Promise<AxiosResponse>): Promise<AxiosResponse | undefined> {
  try {
    return await sending;
  } catch (error) {
    if (isAxiosError(error) && !isCancel(error)) return undefined;
    throw error;
  }
}
