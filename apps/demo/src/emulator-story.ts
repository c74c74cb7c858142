import { setTimeout as sleep } from "node:timers/promises";
import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  finishAuthorization,
  isTalkdeskError,
  privateKeyJwt,
  type Region,
  serviceToken,
  startAuthorization,
  type TalkdeskClient,
  type TokenEvent,
  type TokenSource,
  talkdeskClient,
  userSession,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import type { RunStep } from "./demo.js";

const REGIONS: readonly Region[] = ["us", "eu", "ca", "au"];

/** Lives long enough to be called with, and short enough to watch it being renewed. */
const SHORT_LIFE_SECONDS = 5;

/** The main job in every region, then what a source does when tokens are revoked, grow old, or cannot be had. */
export async function tellEmulatorStory(step: RunStep): Promise<void> {
  await using talkdesk = await startEmulator();
  const tokenRequests = (): number => talkdesk.requests.to("token").length;

  for (const region of REGIONS) {
    await step(`${region}: token, GET /users`, async () => {
      await using source = sourceOf(talkdesk, region);
      const before = tokenRequests();
      await callTwentyTimes(source);
      return `20 calls at once, all 200; ${requests(tokenRequests() - before)}`;
    });
  }

  await step("a signed JWT, no secret", async () => {
    await using source = clientCredentials(signingClient(talkdesk));
    const before = tokenRequests();
    await callTwentyTimes(source);
    return `20 calls at once, all 200; ${requests(tokenRequests() - before)}`;
  });

  await step("a service token", async () => {
    await using source = serviceToken(signingClient(talkdesk), { lifetimeSeconds: 30 * 86_400 });
    const token = await source.getToken();
    await callTwentyTimes(source);
    const days = (token.expiresAt - token.issuedAt) / 86_400_000;
    return `${token.type}, lives ${days} days; 20 calls, all 200`;
  });

  await step("a user logs in", async () => {
    const client = signingClient(talkdesk);
    const [redirectUri = ""] = talkdesk.clients.get().redirectUris;
    const pending = await startAuthorization(client, { redirectUri, scope: "openid users:read" });
    // A browser's part: it goes where it is told, and comes back to the application.
    const redirect = await fetch(pending.url, { redirect: "manual" });
    const callback = redirect.headers.get("location") ?? "";
    const { token, claims } = await finishAuthorization(client, callback, pending);
    await using session = userSession(client, { key: "a user", token });
    await callTwentyTimes(session);
    talkdesk.faults.revokeTokens();
    const before = tokenRequests();
    await callTwentyTimes(session);
    claim(claims !== undefined, "the login brought no ID token");
    return `ID token verified; 20 calls refused, ${tokenRequests() - before} refresh, all 200`;
  });

  await step("the token is revoked", async () => {
    await using source = sourceOf(talkdesk, "us");
    await source.getToken();
    talkdesk.faults.revokeTokens();
    const before = tokenRequests();
    await callTwentyTimes(source);
    return `20 calls refused, replayed, all 200; ${requests(tokenRequests() - before)}`;
  });

  await step("the token service says 429", async () => {
    await using source = sourceOf(talkdesk, "us");
    talkdesk.faults.add({ at: "token", respond: { status: 429, headers: { "retry-after": "1" }, body: "" } });
    const { status } = await talkdeskFetch(source)("/users?per_page=1");
    claim(status === 200, `the call after a 429 was answered ${status}`);
    return "waited 1 s as asked, then 200";
  });

  await step("the token grows old", async () => {
    const events: TokenEvent[] = [];
    await using source = sourceOf(talkdesk, "us", events);
    talkdesk.faults.add({ at: "token", patch: { expires_in: SHORT_LIFE_SECONDS } });
    const first = await source.getToken();
    await sleep(SHORT_LIFE_SECONDS * 920);
    claim((await source.getToken()) === first, "a caller had to wait for a renewal");
    await until(() => events.filter(({ type }) => type === "token_received").length === 2);
    claim((await source.getToken()) !== first, "the token was not renewed in the background");
    return "served at once, renewed in the background";
  });

  const events: TokenEvent[] = [];
  await using source = sourceOf(talkdesk, "us", events);
  await step("the token service goes down", async () => {
    talkdesk.faults.add({ at: "token", patch: { expires_in: SHORT_LIFE_SECONDS } });
    await source.getToken();
    talkdesk.faults.add({
      at: "token",
      times: Number.POSITIVE_INFINITY,
      respond: { status: 503, headers: { "retry-after": "60" }, body: "" },
    });
    await sleep(SHORT_LIFE_SECONDS * 920);
    await source.getToken();
    await until(() => events.some(({ type }) => type === "gate_closed"));
    const { status } = await talkdeskFetch(source)("/users?per_page=1");
    const isStale = events.some((event) => event.type === "served_stale" && event.renewal === "failed");
    claim(status === 200 && isStale, `a call with a token still valid was answered ${status}`);
    return "renewal failed; served stale, 200";
  });

  await step("the token ends meanwhile", async () => {
    await sleep(SHORT_LIFE_SECONDS * 100);
    const before = tokenRequests();
    const startedAt = performance.now();
    const error = await source.getToken().catch((reason: unknown) => reason);
    const elapsedMs = performance.now() - startedAt;
    claim(isTalkdeskError(error) && error.retryAt !== undefined, "the gate was not closed");
    return `gate closed: ${error.code} after ${elapsedMs.toFixed(1)} ms; ${requests(tokenRequests() - before)}`;
  });
}

async function callTwentyTimes(source: TokenSource): Promise<void> {
  const call = talkdeskFetch(source);
  const responses = await Promise.all(Array.from({ length: 20 }, () => call("/users?per_page=1")));
  const refused = responses.filter(({ status }) => status !== 200);
  claim(refused.length === 0, `${refused.length} of 20 calls were answered ${refused[0]?.status}`);
  await Promise.all(responses.map((response) => response.arrayBuffer()));
}

/** The demo says what happened; when that is not what should have, it fails. */
function claim(isTrue: boolean, otherwise: string): asserts isTrue {
  if (!isTrue) throw new Error(`The demo did not go as it should: ${otherwise}.`);
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

/** The same client, proving itself by the key that Talkdesk has issued for it. */
function signingClient(talkdesk: Emulator): TalkdeskClient {
  const { clientId, keyId, privateKey } = talkdesk.clients.get();
  return talkdeskClient({
    endpoints: talkdesk.endpoints(),
    authentication: privateKeyJwt({ clientId, keyId, privateKey }),
  });
}

const requests = (count: number): string => `${count} token ${count === 1 ? "request" : "requests"}`;

async function until(isTrue: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isTrue() && waitedMs < 2_000; waitedMs += 10) await sleep(10);
}
