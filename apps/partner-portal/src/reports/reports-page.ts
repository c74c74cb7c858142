import { renderPage } from "../pages/layout.js";
import { type Html, html } from "../web/html.js";
import { formatPeriod } from "./format-period.js";
import type { ListedReport } from "./list-reports.js";
import { nameState } from "./report-page.js";

/** The content of the form: days as typed, such as `2026-01-31`. */
export interface ReportForm {
  readonly from: string;
  readonly to: string;
  /** What is wrong with the days, in one sentence. */
  readonly problem?: string;
}

const TIMES = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "medium",
  timeStyle: "short",
  timeZone: "UTC",
});

/** Renders the page with the form for a new report and the reports of this session. */
export function renderReportsPage(
  viewer: string,
  { from, to, problem }: ReportForm,
  requested: readonly ListedReport[],
): Html {
  const isWrong = problem !== undefined && html` aria-invalid="true" aria-describedby="problem"`;
  return renderPage(
    {
      title: problem === undefined ? "Reports" : "Please check the days: Reports",
      viewer,
      part: "/reports",
    },
    html`<h1>Reports</h1>
<section class="panel">
<h2>Request a report of calls</h2>
<p>A report is a file with one line for each call. It can cover up to 31 days.</p>
${problem !== undefined && html`<p id="problem" class="problem" role="alert">${problem}</p>`}
<form class="period" method="post" action="/reports">
<div><label for="from">First day</label><input id="from" name="from" type="date" required value="${from}"${isWrong}></div>
<div><label for="to">Last day</label><input id="to" name="to" type="date" required value="${to}"${isWrong}></div>
<button class="primary">Request the report</button>
</form>
</section>
<section class="panel">
<h2>Requested since you signed in</h2>
${
  requested.length === 0
    ? html`<div class="empty"><p class="name">Nothing yet</p><p>The reports that you request appear here.</p></div>`
    : html`<ul class="list">${requested.map(
        (report) => html`
<li><a href="/reports/${report.id}">Calls, ${formatPeriod(report)}</a> <span class="state${report.state === "ready" && " ready"}">${report.state === undefined ? "Not known" : nameState(report.state)}</span> <span>requested ${TIMES.format(report.requestedAt)} UTC</span></li>`,
      )}
</ul>`
}
</section>`,
  );
}
