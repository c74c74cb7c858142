import type { ReportStatus } from "../api/report-jobs.js";
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
export function renderReportPage(report: ShownReport, refreshSeconds: number): Html {
  const { id, state, period } = report;
  const isOpen = state === "making" || state === "busy";
  const title = period === undefined ? "Calls" : `Calls, ${formatPeriod(period)}`;
  return renderPage(
    {
      title: `${STATE_TITLES[state]}: ${title}`,
      isSignedIn: true,
      part: "/reports",
      ...(isOpen && { refreshSeconds, script: "follow-report.js" }),
    },
    html`<p class="back"><a href="/reports">All reports</a></p>
<h1>${title}</h1>
<section id="report" class="panel report"${isOpen && html` data-events="/reports/${id}/events"`}>
${renderSteps(state)}
<p class="name" role="status">${describeProgress(state)}</p>
<div class="rest">${state === "gone" ? renderGone() : state === "ready" ? renderDownload(id) : renderProgress(report)}</div>
</section>`,
  );
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
};

const STATE_TITLES: Readonly<Record<ReportStatus["state"], string>> = {
  making: "In progress",
  busy: "In progress",
  ready: "Ready",
  gone: "Gone",
};

function renderSteps(state: ReportStatus["state"]): Html {
  if (state === "gone") return html``;
  const reached = state === "ready" ? 3 : 1;
  return html`<ol class="steps">${["Requested", "Being made", "Ready"].map(
    (name, index) => html`
<li class="${index < reached ? "done" : index === reached ? "current" : "ahead"}"${index === reached && html` aria-current="step"`}>${name}</li>`,
  )}
</ol>`;
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

function renderGone(): Html {
  return html`<p>Reports are kept for a limited time, and some cannot be completed.</p>
<p><a class="primary button" href="/reports">Request another report</a></p>`;
}
