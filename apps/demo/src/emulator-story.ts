import { setTimeout as sleep } from "node:timers/promises";
import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  isTalkdeskError,
  type Region,
  type TokenEvent,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import type { Step } from "./demo.js";

type RunStep = (what: Step["what"], work: () => Promise<Step["happened"]>) => Promise<void>;

const REGIONS: readonly Region[] = ["us", "eu", "ca", "au"];

/** Lives long enough to be called with, and short enough to watch it being renewed. */
const SHORT_LIFE_SECONDS = 3;

/** The main job in every region, then what a source does when tokens are revoked, grow old, or cannot be had. */
export async function tellEmulatorStory(step: RunStep): Promise<void> {
  await using talkdesk = await startEmulator();

  for (const region of REGIONS) {
    await step(`${region}: token, then GET /users`, async () => {
      await using source = sourceOf(talkdesk, region);
      const responses = await Promise.all(
        Array.from({ length: 20 }, () => talkdeskFetch(source)("/users?per_page=1")),
      );
      const asked = talkdesk.requests.to("token").filter((request) => request.region === region).length;
      return `${statuses(responses)}, ${requests(asked)}`;
    });
  }

  await step("every token is revoked", async () => {
    await using source = sourceOf(talkdesk, "us");
    await source.getToken();
    const revoked = talkdesk.faults.revokeTokens();
    const asked = tokenRequestsDuring(talkdesk);
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => talkdeskFetch(source)("/users?per_page=1")),
    );
    return `${revoked} revoked; ${statuses(responses)} after one replay each, ${requests(asked())}`;
  });

  await step("token endpoint answers 429", async () => {
    await using source = sourceOf(talkdesk, "us");
    talkdesk.faults.add({ at: "token", respond: { status: 429, headers: { "retry-after": "1" }, body: "" } });
    const response = await talkdeskFetch(source)("/users?per_page=1");
    return `waited as Retry-After asked, then ${statuses([response])}`;
  });

  await step("a token grows old", async () => {
    const events: TokenEvent[] = [];
    await using source = sourceOf(talkdesk, "us", events);
    const short = talkdesk.faults.add({ at: "token", patch: { expires_in: SHORT_LIFE_SECONDS } });
    const first = await source.getToken();
    short.remove();
    await sleep(SHORT_LIFE_SECONDS * 920);
    const meanwhile = await source.getToken();
    await until(() => events.filter(({ type }) => type === "token_received").length === 2);
    const renewed = await source.getToken();
    const ok = meanwhile === first && renewed !== first;
    return ok
      ? "answered at once with the old one, renewed in the background"
      : "NOT renewed in the background";
  });

  await step("token service fails meanwhile", async () => {
    const events: TokenEvent[] = [];
    await using source = sourceOf(talkdesk, "us", events);
    talkdesk.faults.add({ at: "token", patch: { expires_in: SHORT_LIFE_SECONDS } });
    await source.getToken();
    const down = talkdesk.faults.add({
      at: "token",
      times: Number.POSITIVE_INFINITY,
      respond: { status: 503, headers: { "retry-after": "60" }, body: "" },
    });
    await sleep(SHORT_LIFE_SECONDS * 920);
    await source.getToken();
    await until(() => events.some(({ type }) => type === "gate_closed"));
    const response = await talkdeskFetch(source)("/users?per_page=1");
    const stale = events.filter((event) => event.type === "served_stale").map(({ renewal }) => renewal);

    await sleep(SHORT_LIFE_SECONDS * 100);
    const before = down.hits;
    const startedAt = performance.now();
    const error = await source.getToken().catch((reason: unknown) => reason);
    const elapsedMs = performance.now() - startedAt;
    const retryInS = isTalkdeskError(error) ? Math.round(((error.retryAt ?? 0) - Date.now()) / 1000) : 0;
    down.remove();
    return `${statuses([response])} with the old token (stale: ${stale.join(", ")}); once it ended, ${
      isTalkdeskError(error) ? error.code : "NO error"
    } in ${elapsedMs.toFixed(1)} ms, ${down.hits - before} requests, retry in ${retryInS} s`;
  });
}

function sourceOf(talkdesk: Emulator, region: Region, events: TokenEvent[] = []): ClosableTokenSource {
  const { clientId, clientSecret } = talkdesk.clients.get();
  return clientCredentials(
    talkdeskClient({
      endpoints: talkdesk.endpoints(undefined, region),
      authentication: clientSecretBasic({ clientId, clientSecret }),
      // The renewal begins with its window and not somewhere in it, so that the story knows when.
      random: () => 0,
    }),
    { onEvent: (event) => events.push(event) },
  );
}

function statuses(responses: readonly Response[]): string {
  const ok = responses.filter(({ status }) => status === 200).length;
  return responses.length === 1
    ? `${responses[0]?.status}`
    : `${ok} of ${responses.length} calls answered 200`;
}

const requests = (count: number): string => `${count} token ${count === 1 ? "request" : "requests"}`;

function tokenRequestsDuring(talkdesk: Emulator): () => number {
  const before = talkdesk.requests.to("token").length;
  return () => talkdesk.requests.to("token").length - before;
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isTrue() && waitedMs < 2_000; waitedMs += 10) await sleep(10);
}
