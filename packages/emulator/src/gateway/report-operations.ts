import { type Answer, emptyAnswer, jsonAnswer } from "../message/answer.js";
import { API_ERROR_CODES, apiError } from "../message/api-error.js";
import { readReport } from "../reports/read-report.js";
import type { ReportJob } from "../reports/report-job.js";
import { MAX_RUNNING_JOBS } from "../reports/report-jobs.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";
import { readJsonObject } from "./json-body.js";
import { pageAnswer } from "./paging.js";

const JOBS_PATH = /^\/data\/reports\/([^/]+)\/jobs$/;
const JOB_PATH = /^\/data\/reports\/([^/]+)\/jobs\/([^/]+)$/;
const FILE_PATH = /^\/data\/reports\/([^/]+)\/files\/([^/]+)$/;

const REPORT_TYPE = /^[a-z][a-z0-9_]{0,63}$/;
const MAX_PER_PAGE = 200;
const DEFAULT_PER_PAGE = 20;

/** The reports of Explore: list jobs, start one, poll it, fetch its file, delete it. */
export const REPORT_OPERATIONS: readonly ApiOperation[] = [
  { method: "GET", path: JOBS_PATH, scope: "data-reports:read", answer: listJobs },
  { method: "POST", path: JOBS_PATH, scope: "data-reports:write", answer: startJob },
  { method: "GET", path: JOB_PATH, scope: "data-reports:read", answer: pollJob },
  { method: "DELETE", path: JOB_PATH, scope: "data-reports:write", answer: removeJob },
  { method: "GET", path: FILE_PATH, scope: "data-reports:read", answer: fetchFile },
];

function listJobs(call: ApiCall): Answer {
  const [type = ""] = call.parameters;
  if (!REPORT_TYPE.test(type)) return unknownType();
  const { reports, origin } = call;
  const present = (job: ReportJob): unknown => {
    const { job: described, _links } = presentJob(job, reports.isDone(job) ? "done" : "processing", origin);
    return { ...described, _links };
  };
  const limits = { defaultPerPage: DEFAULT_PER_PAGE, maxPerPage: MAX_PER_PAGE };
  return pageAnswer(call, "jobs", reports.list(type), present, limits);
}

function startJob({ request, parameters, reports, origin, now }: ApiCall): Answer {
  const [type = ""] = parameters;
  if (!REPORT_TYPE.test(type)) return unknownType();
  const report = readReport(type, readJsonObject(request), now);
  if ("code" in report) return apiError(400, report.code, report.message, report);
  const job = reports.start(report);
  if (job === undefined) {
    return apiError(
      429,
      API_ERROR_CODES.tooManyReports,
      `Reached the maximum of account-based quota of ${MAX_RUNNING_JOBS} simultaneous reports`,
    );
  }
  return jsonAnswer(202, presentJob(job, "created", origin), { location: getJobUrl(job, origin) });
}

function pollJob({ parameters, reports, origin }: ApiCall): Answer {
  const [type = "", id = ""] = parameters;
  const job = reports.find(type, id);
  if (job === undefined) return reportNotFound();
  if (!reports.poll(job)) return jsonAnswer(200, presentJob(job, "processing", origin));
  return jsonAnswer(303, presentJob(job, "done", origin), { location: getFileUrl(job, origin) });
}

function fetchFile({ parameters, reports }: ApiCall): Answer {
  const [type = "", id = ""] = parameters;
  const job = reports.find(type, id);
  // A client that waits for the file instead of the job gets it as soon.
  if (job === undefined || !reports.poll(job)) return reportNotFound();
  return emptyAnswer(302, { location: reports.makeFileUrl(job), "cache-control": "no-store" });
}

function removeJob({ parameters, reports }: ApiCall): Answer {
  const [type = "", id = ""] = parameters;
  return reports.remove(type, id) ? emptyAnswer(204) : reportNotFound();
}

function presentJob(
  job: ReportJob,
  status: string,
  origin: string,
): { readonly job: object; readonly _links: object } {
  const { id, name, format, timezone, timespan } = job;
  return {
    job: {
      id,
      status,
      name,
      format,
      ...(timezone !== undefined && { timezone }),
      ...(timespan !== undefined && { timespan }),
    },
    _links: {
      self: { href: getJobUrl(job, origin) },
      ...(status === "done" && { files: { href: getFileUrl(job, origin) } }),
    },
  };
}

function getJobUrl({ type, id }: ReportJob, origin: string): string {
  return `${origin}/data/reports/${type}/jobs/${id}`;
}

function getFileUrl({ type, id }: ReportJob, origin: string): string {
  return `${origin}/data/reports/${type}/files/${id}`;
}

function unknownType(): Answer {
  return apiError(400, API_ERROR_CODES.invalidReport, "Input parameters validation failed", {
    fields: [{ name: "report_type", description: "report_type does not have a valid value" }],
  });
}

function reportNotFound(): Answer {
  return apiError(404, API_ERROR_CODES.reportNotFound, "Report execution not found");
}
