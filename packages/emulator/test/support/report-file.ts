import type { Emulator } from "./package-under-test.js";
import { requestBearer } from "./token-request.js";
import { send } from "./wire.js";

/** Runs a report of the first account to its end, and gives the URL of its file. */
export async function runReport(emulator: Emulator): Promise<string> {
  const headers = { ...(await requestBearer(emulator)), "content-type": "application/json" };
  const jobs = `${emulator.endpoints().api}/data/reports/calls/jobs`;
  const started = await send(jobs, { method: "POST", headers, body: "{}" });
  const job = started.headers.location ?? "";
  let answer = await send(job, { headers });
  while (answer.status === 200) answer = await send(job, { headers });
  const file = await send(answer.headers.location ?? "", { headers });
  return file.headers.location ?? "";
}
