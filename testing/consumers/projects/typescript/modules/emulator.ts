import { talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { answers, type Emulator, startEmulator } from "@talkdesk-oauth/emulator";

export async function tryFaults(): Promise<number> {
  const talkdesk: Emulator = await startEmulator({
    accounts: ["acme"],
    operations: [
      { method: "GET", path: "/flows/{id}", answer: ({ params }) => ({ status: 200, body: params }) },
    ],
  });
  talkdesk.faults.add({ at: "token", times: 2, respond: answers.unavailable(1) });
  console.log(talkdeskClientFromEnv(talkdesk.environment("acme", "eu")).endpoints.api);
  await talkdesk.stop();
  return talkdesk.requests.to("token").length;
}
