import { type Html, html } from "../html.js";
import type { ReportStatus } from "../reports.js";
import { durationText } from "./duration-text.js";
import { layout } from "./layout.js";
import { periodText } from "./period-text.js";

/** A report as its page shows it. */
export interface ShownReport extends ReportStatus {
  readonly id: string;
  /** Since it was requested; undefined when this session did not request it. */
  readonly seconds?: number;
}

/**
 * The page of one report, which follows it until there is a file.
 *
 * @param refreshSeconds How often it loads itself where no script runs.
 */
export function reportPage(report: ShownReport, refreshSeconds: number): Html {
  const { id, state, period } = report;
  const isOpen = state === "making" || state === "busy";
  const title = period === undefined ? "Calls" : `Calls, ${periodText(period)}`;
  return layout(
    {
      title: `${stateTitles[state]}: ${title}`,
      isSignedIn: true,
      part: "/reports",
      ...(isOpen && { refreshSeconds, script: "follow-report.js" }),
    },
    html`<p class="back"><a href="/reports">All reports</a></p>
<h1>${title}</h1>
<section id="report" class="panel report"${isOpen && html` data-events="/reports/${id}/events"`}>
${steps(state)}
<p class="name" role="status">${progressText(state)}</p>
<div class="rest">${state === "gone" ? gone() : state === "ready" ? ready(id) : making(report)}</div>
</section>`,
  );
}

/** How far a report is, in a sentence: read out to those who do not see it, so it changes only when there is news. */
export function progressText(state: ReportStatus["state"]): string {
  return progress[state];
}

/** For how long it has been going on; empty when that is not known, or has just begun. */
export function elapsedText({ seconds }: Pick<ShownReport, "seconds">): string {
  return seconds ? `${durationText(seconds)} so far` : "";
}

const progress: Readonly<Record<ReportStatus["state"], string>> = {
  making: "Talkdesk is making the report.",
  busy: "Talkdesk is busy; the portal will keep asking.",
  ready: "The report is ready.",
  gone: "Talkdesk no longer has this report.",
};

const stateTitles: Readonly<Record<ReportStatus["state"], string>> = {
  making: "In progress",
  busy: "In progress",
  ready: "Ready",
  gone: "Gone",
};

function steps(state: ReportStatus["state"]): Html {
  if (state === "gone") return html``;
  const reached = state === "ready" ? 3 : 1;
  return html`<ol class="steps">${["Requested", "Being made", "Ready"].map(
    (name, index) => html`
<li class="${index < reached ? "done" : index === reached ? "current" : "ahead"}"${index === reached && html` aria-current="step"`}>${name}</li>`,
  )}
</ol>`;
}

function making(report: ShownReport): Html {
  return html`<progress aria-label="The report is being made"></progress>
<p class="elapsed">${elapsedText(report)}</p>
<p>You can leave this page and come back to it from <a href="/reports">Reports</a>.</p>`;
}

function ready(id: string): Html {
  return html`<p><a class="primary button" href="/reports/${id}/file" download>Download the file</a></p>
<p>It is a CSV file, which any spreadsheet opens.</p>`;
}

function gone(): Html {
  return html`<p>Reports are kept for a limited time, and some cannot be completed.</p>
<p><a class="primary button" href="/reports">Request another report</a></p>`;
}
