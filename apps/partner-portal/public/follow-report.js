// Follows a report while it is being made. Without it, the page loads itself again every few seconds.

const retryMs = 3_000;
const panel = document.querySelector("#report[data-events]");
if (panel instanceof HTMLElement) follow(panel);

/** @param {HTMLElement} report */
function follow(report) {
  const events = new EventSource(report.dataset.events ?? "");
  events.addEventListener("progress", ({ data }) => {
    const text = report.querySelector("[data-progress]");
    if (text !== null && text.textContent !== data) text.textContent = data;
  });
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
 * Puts in what the page says now. What is read out to those who do not see it stays in its place, so that it is.
 * @param {HTMLElement} report
 */
async function showResult(report) {
  const answer = await fetch(location.href).catch(() => undefined);
  const text = answer === undefined || answer.redirected ? "" : await answer.text();
  const next = new DOMParser().parseFromString(text, "text/html");
  const [oldSteps, newSteps] = [report, next].map((place) => place.querySelector(".steps"));
  const [oldWords, newWords] = [report, next].map((place) => place.querySelector("[role=status]"));
  if (!oldSteps || !newSteps || !oldWords || !newWords) {
    location.reload();
    return;
  }
  // Not over after all: the way to it was cut.
  if (next.querySelector("[data-events]") !== null) setTimeout(() => location.reload(), retryMs);
  document.title = next.title;
  oldSteps.replaceWith(newSteps);
  oldWords.replaceChildren(...newWords.childNodes);
}
