// A nightly archive: every recording of a call, as a file.
import { writeFile } from "node:fs/promises";
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const fetch = talkdeskFetch(clientCredentials(talkdeskClientFromEnv(), { scope: "recordings:read" }));

export async function downloadRecordings(callId, folder) {
  const { _embedded } = await (await fetch(`/calls/${callId}/recordings`)).json();
  for (const { id } of _embedded.recordings)
    await writeFile(`${folder}/${id}.wav`, (await fetch(`/recordings/${id}/media`)).body);
}
