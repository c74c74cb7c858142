import { type Answer, emptyAnswer, jsonAnswer } from "../message/answer.js";
import { apiError, apiErrorCodes } from "../message/api-error.js";
import { readJsonObject } from "../message/json-body.js";
import { maximumRunningJobs, type ReportJob } from "../reports/report-jobs.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";

const jobPath = /^\/data\/reports\/calls\/jobs\/([^/]+)$/;

/** The calls report of Explore: start a job, poll it, fetch its file, forget it. */
export const reportOperations: readonly ApiOperation[] = [
  { method: "POST", path: /^\/data\/reports\/calls\/jobs$/, scope: "data-reports:write", answer: startJob },
  { method: "GET", path: jobPath, scope: "data-reports:read", answer: pollJob },
  { method: "DELETE", path: jobPath, scope: "data-reports:write", answer: removeJob },
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
    return apiError(400, apiErrorCodes.invalidReport, "Invalid report", {
      fields: [
        { name: "body", description: "JSON with name (a string), format (csv) and timespan (an object)." },
      ],
    });
  }
  const job = reports.start({ name, timespan });
  if (job === undefined) {
    return apiError(429, apiErrorCodes.tooManyReports, "Too many reports", {
      description: `An account may run ${maximumRunningJobs} reports at the same time.`,
    });
  }
  return jsonAnswer(202, present(job, "created", origin), { location: jobUrl(job, origin) });
}

function pollJob({ parameters, reports, origin }: ApiCall): Answer {
  const job = reports.find(parameters[0] ?? "");
  if (job === undefined) return unknownReport();
  if (!reports.poll(job)) return jsonAnswer(200, present(job, "processing", origin));
  return jsonAnswer(303, present(job, "done", origin), { location: fileUrl(job, origin) });
}

function fetchFile({ parameters, reports }: ApiCall): Answer {
  const job = reports.find(parameters[0] ?? "");
  if (job === undefined || !reports.isDone(job)) return unknownReport();
  return emptyAnswer(302, { location: reports.fileUrl(job), "cache-control": "no-store" });
}

function removeJob({ parameters, reports }: ApiCall): Answer {
  return reports.remove(parameters[0] ?? "") ? emptyAnswer(204) : unknownReport();
}

function present({ id, name, format, timespan }: ReportJob, status: string, origin: string): unknown {
  return {
    job: { id, status, name, format, ...(timespan !== undefined && { timespan }) },
    _links: {
      self: { href: `${origin}/data/reports/calls/jobs/${id}` },
      ...(status === "done" && { files: { href: `${origin}/data/reports/calls/files/${id}` } }),
    },
  };
}

function jobUrl({ id }: ReportJob, origin: string): string {
  return `${origin}/data/reports/calls/jobs/${id}`;
}

function fileUrl({ id }: ReportJob, origin: string): string {
  return `${origin}/data/reports/calls/files/${id}`;
}

function unknownReport(): Answer {
  return apiError(404, apiErrorCodes.reportNotFound, "Report not found");
}
