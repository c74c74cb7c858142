import {
  ApiFailure,
  callApi,
  callForJson,
  isObject,
  type JsonObject,
  readJson,
  readText,
} from "./api-call.js";

/** The period of a report: two instants, ISO 8601 in UTC. `to` is not included. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** The progress of a report. */
export interface ReportStatus {
  /** `busy`: Talkdesk could not answer. `unknown`: it has no such report. `gone`: it had one, or stopped making it. */
  readonly state: "making" | "busy" | "ready" | "gone" | "unknown";
  /** Undefined when Talkdesk did not say. */
  readonly period?: Period;
  /** How long Talkdesk asks to wait before the next request, in seconds. */
  readonly retryAfterSeconds?: number;
}

/** True when Talkdesk still works on the report, so that asking again makes sense. */
export function isOpen({ state }: Pick<ReportStatus, "state">): boolean {
  return state === "making" || state === "busy";
}

const JOBS_PATH = "/data/reports/calls/jobs";
const STOPPED_STATES = ["failed", "canceled", "deleted"];

/** True for a text that can be the id of a report, and so is safe in a path. */
export function isReportId(text: string): boolean {
  return /^[A-Za-z0-9-]{8,64}$/.test(text);
}

/**
 * Requests a report of calls.
 *
 * @returns The id of the report.
 */
export async function requestReport(fetch: typeof globalThis.fetch, period: Period): Promise<string> {
  const what = "a report";
  const { job } = await callForJson(fetch, JOBS_PATH, {
    what,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "calls", format: "csv", timezone: "UTC", timespan: period }),
  });
  const id = isObject(job) ? readText(job["id"]) : "";
  if (!isReportId(id)) throw new ApiFailure(what);
  return id;
}

/** Fetches the progress of a report. */
export function fetchReportStatus(
  fetch: typeof globalThis.fetch,
  id: string,
  signal?: AbortSignal,
): Promise<ReportStatus> {
  const what = "the report";
  // The redirect of a finished report leads to its file, which is not wanted here.
  const options = { what, redirect: "manual", ...(signal && { signal }) } as const;
  return callApi(fetch, `${JOBS_PATH}/${id}`, options, async (response) => {
    const { status } = response;
    if (status === 200 || status === 303) return readStatus(status, await readJson(response));
    await response.body?.cancel();
    if (status === 404) return { state: "unknown" };
    if (status === 410) return { state: "gone" };
    const failure = new ApiFailure(what, response);
    if (status !== 429 && status < 500) throw failure;
    const { retryAfterSeconds } = failure;
    return { state: "busy", ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  });
}

/**
 * Fetches the file of a report. The gateway redirects to a signed address on another host, which does not get the token.
 *
 * @returns The answer whose body is the file; undefined when the report is not ready.
 */
export function fetchReportFile(
  fetch: typeof globalThis.fetch,
  id: string,
  signal: AbortSignal,
): Promise<Response | undefined> {
  const what = "the report's file";
  // Without compression, Content-Length is the size of the file.
  const options = { what, signal, headers: { "accept-encoding": "identity" } };
  return callApi(fetch, `${JOBS_PATH}/${id}`, options, async (response) => {
    if (response.ok && response.redirected) return response;
    await response.body?.cancel();
    if (response.ok) return undefined;
    throw new ApiFailure(what, response);
  });
}

function readStatus(status: number, body: JsonObject | undefined): ReportStatus {
  const job = isObject(body?.["job"]) ? body["job"] : {};
  const said = readText(job["status"]).toLowerCase();
  const period = periodIn(job["timespan"]);
  const state = STOPPED_STATES.includes(said)
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
  return isPeriod ? { from: readText(from), to: readText(to) } : undefined;
}
