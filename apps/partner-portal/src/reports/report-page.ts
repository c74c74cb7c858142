import { isOpen, type ReportStatus } from "../api/report-jobs.js";
import { formatDuration } from "../pages/format-duration.js";
import { renderPage } from "../pages/layout.js";
import { type Html, html } from "../web/html.js";
import { formatPeriod } from "./format-period.js";

/** A report as {@link renderReportPage} shows it. */
export interface ShownReport extends ReportStatus {
  readonly id: string;
  /** How long ago it was requested; undefined when this session did not request it. */
  readonly seconds?: number;
}

/**
 * Renders the page of one report, which follows its progress until there is a file.
 *
 * @param refreshSeconds How often the page loads itself again where no script runs.
 */
export function renderReportPage(viewer: string, report: ShownReport, refreshSeconds: number): Html {
  const { id, state, period } = report;
  const title = period === undefined ? "Calls" : `Calls, ${formatPeriod(period)}`;
  return renderPage(
    {
      title: `${nameState(state)}: ${title}`,
      viewer,
      part: "/reports",
      ...(isOpen(report) && { refreshSeconds, script: "follow-report.js" }),
    },
    html`<p class="back"><a href="/reports">All reports</a></p>
<h1>${title}</h1>
<section id="report" class="panel report"${isOpen(report) && html` data-events="/reports/${id}/events"`}>
${renderSteps(state)}
<p class="name" role="status">${describeProgress(state)}</p>
<div class="rest">${renderRest(report)}</div>
</section>`,
  );
}

/** Names a state in a word or two. */
export function nameState(state: ReportStatus["state"]): string {
  return STATE_NAMES[state];
}

/** Describes the progress in a sentence. Screen readers announce each change, so the sentence has no counter. */
export function describeProgress(state: ReportStatus["state"]): string {
  return PROGRESS[state];
}

/** Describes how long the report has been in progress; empty when that is unknown or less than a second. */
export function describeElapsed({ seconds }: Pick<ShownReport, "seconds">): string {
  return seconds ? `${formatDuration(seconds)} so far` : "";
}

const PROGRESS: Readonly<Record<ReportStatus["state"], string>> = {
  making: "Talkdesk is making the report.",
  busy: "Talkdesk is busy. The portal keeps asking.",
  ready: "The report is ready.",
  gone: "Talkdesk no longer has this report.",
  unknown: "Talkdesk has no report with this address.",
};

const STATE_NAMES: Readonly<Record<ReportStatus["state"], string>> = {
  making: "In progress",
  busy: "In progress",
  ready: "Ready",
  gone: "Gone",
  unknown: "Not found",
};

function renderSteps(state: ReportStatus["state"]): Html {
  if (state === "gone" || state === "unknown") return html``;
  const reached = state === "ready" ? 3 : 1;
  return html`<ol class="steps">${["Requested", "Being made", "Ready"].map(
    (name, index) => html`
<li class="${index < reached ? "done" : index === reached ? "current" : "ahead"}"${index === reached && html` aria-current="step"`}>${name}</li>`,
  )}
</ol>`;
}

function renderRest(report: ShownReport): Html {
  switch (report.state) {
    case "ready":
      return renderDownload(report.id);
    case "gone":
      return renderLoss("Reports are kept for a limited time, and some cannot be completed.");
    case "unknown":
      return renderLoss(
        "The address may be mistyped. The report may also have been deleted, or belong to another account.",
      );
    default:
      return renderProgress(report);
  }
}

function renderProgress(report: ShownReport): Html {
  return html`<progress aria-label="The report is being made"></progress>
<p class="elapsed">${describeElapsed(report)}</p>
<p>You can leave this page and come back to it from <a href="/reports">Reports</a>.</p>`;
}

function renderDownload(id: string): Html {
  return html`<p><a class="primary button" href="/reports/${id}/file" download>Download the file</a></p>
<p>It is a CSV file, which any spreadsheet opens.</p>`;
}

function renderLoss(reason: string): Html {
  return html`<p>${reason}</p>
<p><a class="primary button" href="/reports">Request another report</a></p>`;
}
