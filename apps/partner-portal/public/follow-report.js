// Follows a report while it is being made. Without it, the page loads itself again every few seconds.

const retryMs = 3_000;
const panel = document.querySelector("#report[data-events]");
if (panel instanceof HTMLElement) follow(panel);

/** @param {HTMLElement} report */
function follow(report) {
  const events = new EventSource(report.dataset.events ?? "");
  const show =
    (/** @type {string} */ selector) =>
    (/** @type {MessageEvent<string>} */ { data }) => {
      const place = report.querySelector(selector);
      if (place !== null && place.textContent !== data) place.textContent = data;
    };
  events.addEventListener("progress", show("[role=status]"));
  events.addEventListener("elapsed", show(".elapsed"));
  events.addEventListener("over", () => {
    events.close();
    void showResult(report);
  });
  events.addEventListener("error", () => {
    // While it is connecting again, the browser does that by itself. Closed means refused: the page says why.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), retryMs);
  });
}

/**
 * Loads the page again and replaces its changed parts. The status element stays in the document, so that screen readers
 * announce its new text. If the focus was in a replaced part, it moves to the new part.
 * @param {HTMLElement} report
 */
async function showResult(report) {
  const answer = await fetch(location.href).catch(() => undefined);
  const text = answer === undefined || answer.redirected ? "" : await answer.text();
  const next = new DOMParser().parseFromString(text, "text/html");
  const [steps, newSteps] = [report, next].map((place) => place.querySelector(".steps"));
  const [status, newStatus] = [report, next].map((place) => place.querySelector("[role=status]"));
  const [rest, newRest] = [report, next].map((place) => place.querySelector(".rest"));
  if (!steps || !newSteps || !status || !newStatus || !rest || !newRest) {
    location.reload();
    return;
  }
  // The report is not over: the connection was cut.
  if (next.querySelector("[data-events]") !== null) setTimeout(() => location.reload(), retryMs);
  const hadFocus = rest.contains(document.activeElement);
  document.title = next.title;
  steps.replaceWith(newSteps);
  status.textContent = newStatus.textContent;
  rest.replaceWith(newRest);
  if (hadFocus) newRest.querySelector("a")?.focus();
}
