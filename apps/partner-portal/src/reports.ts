import { ApiFailure, callApi, callForJson, isObject, type JsonObject, readJson, textIn } from "./api-call.js";

/** What a report is about: two instants, ISO 8601 in UTC; the end is not included. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** What Talkdesk says of a report. */
export interface ReportStatus {
  /** `busy`: it could not say at the moment. `gone`: it has no such report, or stopped making it. */
  readonly state: "making" | "busy" | "ready" | "gone";
  /** Undefined when Talkdesk did not say. */
  readonly period?: Period;
  /** How long it asks to wait before the next question, in seconds. */
  readonly retryAfterSeconds?: number;
}

const jobsPath = "/data/reports/calls/jobs";
const stoppedStates = ["failed", "canceled", "deleted"];

/** Tells whether a text can be a report's id, and so part of a path. */
export function isReportId(text: string): boolean {
  return /^[A-Za-z0-9-]{8,64}$/.test(text);
}

/**
 * Has a report of calls made.
 *
 * @returns Its id.
 */
export async function requestReport(fetch: typeof globalThis.fetch, period: Period): Promise<string> {
  const what = "a report";
  const { job } = await callForJson(fetch, jobsPath, {
    what,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "calls", format: "csv", timezone: "UTC", timespan: period }),
  });
  const id = isObject(job) ? textIn(job["id"]) : "";
  if (!isReportId(id)) throw new ApiFailure(what);
  return id;
}

/** Asks how far a report is. */
export function askForReport(
  fetch: typeof globalThis.fetch,
  id: string,
  signal?: AbortSignal,
): Promise<ReportStatus> {
  const what = "the report";
  // A redirect leads to the file of a report that is ready, which nobody wants yet.
  const options = { what, redirect: "manual", ...(signal && { signal }) } as const;
  return callApi(fetch, `${jobsPath}/${id}`, options, async (response) => {
    const { status } = response;
    if (status === 200 || status === 303) return readStatus(status, await readJson(response));
    await response.body?.cancel();
    if (status === 404 || status === 410) return { state: "gone" };
    const failure = new ApiFailure(what, response);
    if (status !== 429 && status < 500) throw failure;
    const { retryAfterSeconds } = failure;
    return { state: "busy", ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  });
}

/**
 * Fetches the file of a report: the gateway redirects to a signed address of another host, and the token stays behind.
 *
 * @returns The answer with the file as its body; undefined when the report is not ready.
 */
export function fetchReport(
  fetch: typeof globalThis.fetch,
  id: string,
  signal: AbortSignal,
): Promise<Response | undefined> {
  const what = "the report's file";
  // The size that is announced shall be the file's own.
  const options = { what, signal, headers: { "accept-encoding": "identity" } };
  return callApi(fetch, `${jobsPath}/${id}`, options, async (response) => {
    if (response.ok && response.redirected) return response;
    await response.body?.cancel();
    if (response.ok) return undefined;
    throw new ApiFailure(what, response);
  });
}

function readStatus(status: number, body: JsonObject | undefined): ReportStatus {
  const job = isObject(body?.["job"]) ? body["job"] : {};
  const said = textIn(job["status"]).toLowerCase();
  const period = periodIn(job["timespan"]);
  const state = stoppedStates.includes(said)
    ? "gone"
    : status === 303 || said === "done"
      ? "ready"
      : "making";
  return { state, ...(period && { period }) };
}

function periodIn(timespan: unknown): Period | undefined {
  if (!isObject(timespan)) return undefined;
  const { from, to } = timespan;
  const isPeriod = [from, to].every((at) => typeof at === "string" && !Number.isNaN(Date.parse(at)));
  return isPeriod ? { from: textIn(from), to: textIn(to) } : undefined;
}
