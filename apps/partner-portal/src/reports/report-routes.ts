import { pipeline, Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import express, { type Request, type Response, Router } from "express";
import { ApiFailure } from "../api/api-call.js";
import { fetchReportFile, fetchReportStatus, isOpen, isReportId } from "../api/report-jobs.js";
import { findViewer } from "../pages/viewer.js";
import { limitAtOnce } from "../sessions/session-limits.js";
import { sendPage } from "../web/send-page.js";
import type { ReportWaits } from "./follow-report.js";
import { listReports } from "./list-reports.js";
import { parseReportForm, suggestLastWeek } from "./report-form.js";
import { describeElapsed, describeProgress, renderReportPage } from "./report-page.js";
import { reportRequester } from "./report-requester.js";
import { reportWatches } from "./report-watches.js";
import { type ReportForm, renderReportsPage } from "./reports-page.js";
import { type RequestedReport, stateOfReport } from "./requested-reports.js";

/** As many as browsers open to one host; each holds two connections. */
const MAX_DOWNLOADS = 5;

/** Makes the routes under `/reports`: request a report, follow its progress, download its file. */
export function reportRoutes(waits: ReportWaits): Router {
  const routes = Router();
  const requestOnce = reportRequester();
  const watches = reportWatches(waits);
  const startDownload = limitAtOnce("downloads", MAX_DOWNLOADS);

  routes.param("id", (_request, _response, next, id: string) => next(isReportId(id) ? undefined : "route"));

  async function sendReports(
    request: Request,
    response: Response,
    form: ReportForm,
    status = 200,
  ): Promise<void> {
    const { session, talkdesk } = request;
    const reports = await listReports(talkdesk.fetch, session.requestedReports ?? []);
    sendPage(response, renderReportsPage(await findViewer(request), form, reports), status);
  }

  routes.get("/", (request, response) => sendReports(request, response, suggestLastWeek(Date.now())));

  routes.post("/", express.urlencoded({ extended: false, limit: "2kb" }), async (request, response) => {
    const read = parseReportForm(request.body);
    if ("form" in read) {
      await sendReports(request, response, read.form, 422);
      return;
    }
    response.redirect(303, `/reports/${await requestOnce(request, read.period)}`);
  });

  routes.get("/:id", async (request, response) => {
    const { id } = request.params;
    const requested = findRequestedReport(request, id);
    const status = await fetchReportStatus(request.talkdesk.fetch, id);
    const period = requested ?? status.period;
    const shown = {
      ...status,
      state: stateOfReport(status, requested),
      id,
      ...(period && { period }),
      ...(requested && { seconds: secondsSince(requested) }),
    };
    const refreshSeconds = Math.ceil(waits.longestMs / 1_000);
    const page = renderReportPage(await findViewer(request), shown, refreshSeconds);
    sendPage(response, page, isOpen(shown) || shown.state === "ready" ? 200 : 404);
  });

  // A HEAD request would follow the report or fetch its file without using either.
  routes.head(["/:id/events", "/:id/file"], (_request, response) => {
    response.status(405).set("Allow", "GET").end();
  });

  routes.get("/:id/events", async (request, response) => {
    const { id } = request.params;
    const requested = findRequestedReport(request, id);
    const signal = abortOnClose(response);
    try {
      const viewer = { session: request.sessionID, fetch: request.talkdesk.fetch, signal };
      for await (const status of watches.watch(viewer, id)) {
        // After the first answer, so that an earlier failure can still set the status.
        if (!response.headersSent) response.writeHead(200, EVENT_STREAM_HEADERS);
        const elapsed = describeElapsed(requested ? { seconds: secondsSince(requested) } : {});
        response.write(
          isOpen(status)
            ? formatEvent("progress", describeProgress(status.state)) + formatEvent("elapsed", elapsed)
            : formatEvent("over", stateOfReport(status, requested)),
        );
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!response.headersSent) throw error;
      // The page loads itself again and shows the failure.
      response.write(formatEvent("over", "failed"));
    }
    response.end();
  });

  routes.get("/:id/file", async (request, response) => {
    const { id } = request.params;
    const signal = abortOnClose(response);
    const leave = startDownload(request.sessionID);
    if (response.closed) leave();
    else response.once("close", leave);
    const file = await fetchReportFile(request.talkdesk.fetch, id, signal);
    if (file === undefined) {
      response.redirect(303, `/reports/${id}`);
      return;
    }
    if (file.body === null) throw new ApiFailure("the report's file", file);
    const day = findRequestedReport(request, id)?.from.slice(0, 10) ?? id;
    const length = file.headers.get("content-encoding") === null ? file.headers.get("content-length") : null;
    response.attachment(`calls-${day}.csv`).set({
      "Cache-Control": "no-store",
      "Content-Type": "text/csv; charset=utf-8",
      ...(length !== null && { "Content-Length": length }),
    });
    // When one side fails, pipeline cuts the other, so the browser sees that the file is incomplete.
    pipeline(Readable.fromWeb(file.body as ReadableStream<Uint8Array>), response, () => undefined);
  });

  return routes;
}

const EVENT_STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store",
  // Asks nginx not to buffer the events.
  "X-Accel-Buffering": "no",
};

const formatEvent = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`;

function findRequestedReport({ session }: Request, id: string): RequestedReport | undefined {
  return session.requestedReports?.find((report) => report.id === id);
}

function secondsSince({ requestedAt }: RequestedReport): number {
  return Math.max(0, Math.round((Date.now() - requestedAt) / 1_000));
}

function abortOnClose(response: Response): AbortSignal {
  const closed = new AbortController();
  if (response.closed) closed.abort();
  else response.once("close", () => closed.abort());
  return closed.signal;
}
