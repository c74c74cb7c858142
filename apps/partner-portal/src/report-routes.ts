import { pipeline, Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import express, { type Request, type Response, Router } from "express";
import { ApiFailure } from "./api-call.js";
import type { ReportWaits } from "./follow-report.js";
import { elapsedText, progressText, reportPage } from "./pages/report-page.js";
import { reportsPage } from "./pages/reports-page.js";
import { lastWeek, readReportForm } from "./report-form.js";
import { reportWatches } from "./report-watches.js";
import { askForReport, fetchReport, isReportId } from "./reports.js";
import { requestReportOnce } from "./request-report-once.js";
import type { RequestedReport } from "./requested-reports.js";
import { sendPage } from "./send-page.js";
import { limitAtOnce } from "./session-limits.js";

/** How many files one session may fetch at the same time. */
const mostDownloads = 5;

/** The pages under `/reports`: request one, watch it being made, fetch its file. */
export function reportRoutes(waits: ReportWaits): Router {
  const routes = Router();
  const requestOnce = requestReportOnce();
  const watches = reportWatches(waits);
  const startDownload = limitAtOnce("downloads", mostDownloads);

  routes.param("id", (_request, _response, next, id: string) => next(isReportId(id) ? undefined : "route"));

  routes.get("/", ({ session }, response) => {
    sendPage(response, reportsPage(lastWeek(Date.now()), session.requestedReports ?? []));
  });

  routes.post("/", express.urlencoded({ extended: false, limit: "2kb" }), async (request, response) => {
    const read = readReportForm(request.body);
    if ("form" in read) {
      sendPage(response, reportsPage(read.form, request.session.requestedReports ?? []), 422);
      return;
    }
    response.redirect(303, `/reports/${await requestOnce(request, read.period)}`);
  });

  routes.get("/:id", async (request, response) => {
    const { id } = request.params;
    const noted = notedReport(request, id);
    const status = await askForReport(request.talkdesk.fetch, id);
    const period = noted ?? status.period;
    const shown = {
      ...status,
      id,
      ...(period && { period }),
      ...(noted && { seconds: secondsSince(noted) }),
    };
    const refreshSeconds = Math.ceil(waits.longestMs / 1_000);
    sendPage(response, reportPage(shown, refreshSeconds), status.state === "gone" ? 404 : 200);
  });

  // A HEAD request would follow the report, or fetch its file, for nothing.
  routes.head(["/:id/events", "/:id/file"], (_request, response) => {
    response.status(405).set("Allow", "GET").end();
  });

  routes.get("/:id/events", async (request, response) => {
    const { id } = request.params;
    const noted = notedReport(request, id);
    const signal = untilClosed(response);
    try {
      const viewer = { session: request.sessionID, fetch: request.talkdesk.fetch, signal };
      for await (const status of watches.watch(viewer, id)) {
        // Not before the first answer: what goes wrong until then is said by the status.
        if (!response.headersSent) response.writeHead(200, eventStreamHeaders);
        const isOver = status.state === "ready" || status.state === "gone";
        const elapsed = elapsedText(noted ? { seconds: secondsSince(noted) } : {});
        response.write(
          isOver
            ? event("over", status.state)
            : event("progress", progressText(status.state)) + event("elapsed", elapsed),
        );
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!response.headersSent) throw error;
      // The page finds out what it is, and tells.
      response.write(event("over", "failed"));
    }
    response.end();
  });

  routes.get("/:id/file", async (request, response) => {
    const { id } = request.params;
    const signal = untilClosed(response);
    const leave = startDownload(request.sessionID);
    if (response.closed) leave();
    else response.once("close", leave);
    const file = await fetchReport(request.talkdesk.fetch, id, signal);
    if (file === undefined) {
      response.redirect(303, `/reports/${id}`);
      return;
    }
    if (file.body === null) throw new ApiFailure("the report's file", file);
    const day = notedReport(request, id)?.from.slice(0, 10) ?? id;
    const length = file.headers.get("content-encoding") === null ? file.headers.get("content-length") : null;
    response.attachment(`calls-${day}.csv`).set({
      "Cache-Control": "no-store",
      "Content-Type": "text/csv; charset=utf-8",
      ...(length !== null && { "Content-Length": length }),
    });
    // When either side breaks off, so does the other: a browser takes nothing for whole that is not.
    pipeline(Readable.fromWeb(file.body as ReadableStream<Uint8Array>), response, () => undefined);
  });

  return routes;
}

const eventStreamHeaders = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store",
  // Asks a proxy to pass on each event when it comes.
  "X-Accel-Buffering": "no",
};

const event = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`;

function notedReport({ session }: Request, id: string): RequestedReport | undefined {
  return session.requestedReports?.find((report) => report.id === id);
}

function secondsSince({ requestedAt }: RequestedReport): number {
  return Math.max(0, Math.round((Date.now() - requestedAt) / 1_000));
}

function untilClosed(response: Response): AbortSignal {
  const closed = new AbortController();
  if (response.closed) closed.abort();
  else response.once("close", () => closed.abort());
  return closed.signal;
}
