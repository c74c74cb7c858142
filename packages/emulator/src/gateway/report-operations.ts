import { type Answer, emptyAnswer, jsonAnswer } from "../message/answer.js";
import { API_ERROR_CODES, apiError } from "../message/api-error.js";
import { MAX_RUNNING_JOBS, type ReportJob } from "../reports/report-jobs.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";
import { readJsonObject } from "./json-body.js";

const JOB_PATH = /^\/data\/reports\/calls\/jobs\/([^/]+)$/;

/** The calls report of Explore: start a job, poll it, fetch its file, delete it. */
export const REPORT_OPERATIONS: readonly ApiOperation[] = [
  { method: "POST", path: /^\/data\/reports\/calls\/jobs$/, scope: "data-reports:write", answer: startJob },
  { method: "GET", path: JOB_PATH, scope: "data-reports:read", answer: pollJob },
  { method: "DELETE", path: JOB_PATH, scope: "data-reports:write", answer: removeJob },
  {
    method: "GET",
    path: /^\/data\/reports\/calls\/files\/([^/]+)$/,
    scope: "data-reports:read",
    answer: fetchFile,
  },
];

function startJob({ request, reports, origin }: ApiCall): Answer {
  const body = readJsonObject(request);
  const { name = "calls", format = "csv", timespan } = body ?? {};
  const isTimespan = timespan === undefined || (typeof timespan === "object" && timespan !== null);
  if (body === undefined || typeof name !== "string" || format !== "csv" || !isTimespan) {
    return apiError(400, API_ERROR_CODES.invalidReport, "Invalid report", {
      fields: [
        {
          name: "body",
          description:
            "Must be JSON with name (a string), format (csv) and timespan (an object); all are optional.",
        },
      ],
    });
  }
  const job = reports.start({ name, timespan });
  if (job === undefined) {
    return apiError(429, API_ERROR_CODES.tooManyReports, "Too many reports", {
      description: `An account may run ${MAX_RUNNING_JOBS} reports at the same time.`,
    });
  }
  return jsonAnswer(202, presentJob(job, "created", origin), { location: getJobUrl(job, origin) });
}

function pollJob({ parameters, reports, origin }: ApiCall): Answer {
  const job = reports.find(parameters[0] ?? "");
  if (job === undefined) return reportNotFound();
  if (!reports.poll(job)) return jsonAnswer(200, presentJob(job, "processing", origin));
  return jsonAnswer(303, presentJob(job, "done", origin), { location: getFileUrl(job, origin) });
}

function fetchFile({ parameters, reports }: ApiCall): Answer {
  const job = reports.find(parameters[0] ?? "");
  if (job === undefined || !reports.isDone(job)) return reportNotFound();
  return emptyAnswer(302, { location: reports.makeFileUrl(job), "cache-control": "no-store" });
}

function removeJob({ parameters, reports }: ApiCall): Answer {
  return reports.remove(parameters[0] ?? "") ? emptyAnswer(204) : reportNotFound();
}

function presentJob(job: ReportJob, status: string, origin: string): unknown {
  const { id, name, format, timespan } = job;
  return {
    job: { id, status, name, format, ...(timespan !== undefined && { timespan }) },
    _links: {
      self: { href: getJobUrl(job, origin) },
      ...(status === "done" && { files: { href: getFileUrl(job, origin) } }),
    },
  };
}

function getJobUrl({ id }: ReportJob, origin: string): string {
  return `${origin}/data/reports/calls/jobs/${id}`;
}

function getFileUrl({ id }: ReportJob, origin: string): string {
  return `${origin}/data/reports/calls/files/${id}`;
}

function reportNotFound(): Answer {
  return apiError(404, API_ERROR_CODES.reportNotFound, "Report not found");
}
