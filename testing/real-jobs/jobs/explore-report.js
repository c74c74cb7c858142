// A report of Explore: started, polled until the redirects lead to its file, and read.
import { setTimeout as sleep } from "node:timers/promises";
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const fetch = talkdeskFetch(clientCredentials(talkdeskClientFromEnv()));

export async function runReport(type, timespan, everyMs = 5_000) {
  const body = new Blob([JSON.stringify({ format: "json", timespan })], { type: "application/json" });
  let report = await (await fetch(`/data/reports/${type}/jobs`, { method: "POST", body })).json();
  for (; report.job; report = await (await fetch(report._links.self.href)).json()) await sleep(everyMs);
  return report.entries;
}
