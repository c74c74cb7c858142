import { type Html, html } from "../html.js";
import type { RequestedReport } from "../requested-reports.js";
import { layout } from "./layout.js";
import { periodText } from "./period-text.js";

/** What stands in the form: days as `YYYY-MM-DD`, as typed. */
export interface ReportForm {
  readonly from: string;
  readonly to: string;
  /** What is wrong with it, in one sentence. */
  readonly problem?: string;
}

const times = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "medium",
  timeStyle: "short",
  timeZone: "UTC",
});

/** The page where reports are requested, and found again. */
export function reportsPage({ from, to, problem }: ReportForm, requested: readonly RequestedReport[]): Html {
  const isWrong = problem !== undefined && html` aria-invalid="true" aria-describedby="problem"`;
  return layout(
    {
      title: problem === undefined ? "Reports" : "Please check the days: Reports",
      isSignedIn: true,
      part: "/reports",
    },
    html`<h1>Reports</h1>
<section class="panel">
<h2>Request a report of calls</h2>
<p>It is a file with one line for each call, and can cover up to 31 days.</p>
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
    ? html`<div class="empty"><p class="name">Nothing yet</p><p>Reports you request will be listed here.</p></div>`
    : html`<ul class="list">${requested.map(
        (report) => html`
<li><a href="/reports/${report.id}">Calls, ${periodText(report)}</a> <span>requested ${times.format(report.requestedAt)} UTC</span></li>`,
      )}
</ul>`
}
</section>`,
  );
}
