// How long each user was in which status, as the lines of a CSV file.
import { setTimeout as sleep } from "node:timers/promises";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import axios from "axios";

axios.interceptors.request.use(talkdeskAxios(clientCredentials(talkdeskClientFromEnv())));

export async function readStatuses(timespan, everyMs = 5_000) {
  let answer = await axios.post("/data/reports/user_status/jobs", { format: "csv", timespan });
  for (; answer.data.job; answer = await axios.get(answer.data._links.self.href)) await sleep(everyMs);
  return answer.data.trim().split("\n");
}
