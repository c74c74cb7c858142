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
import type { RunStep } from "./step.js";

const EVERY_REGION: Readonly<Record<Region, true>> = { us: true, eu: true, ca: true, au: true };

/** Every region. The compiler demands that a new one is added to the object above. */
export const REGIONS: readonly Region[] = Object.keys(EVERY_REGION) as Region[];

/** A token that lives this long can be used for calls, and is renewed while the demo runs. */
const SHORT_LIFE_SECONDS = 5;

/**
 * Starts an emulator, and calls the API in every region, with a signed JWT, with a service token and for a user. Then it
 * shows what a source does when its token is revoked, is about to expire, or cannot be renewed.
 */
export async function tellEmulatorStory(runStep: RunStep): Promise<void> {
  await using talkdesk = await startEmulator();
  const countTokenRequests = (): number => talkdesk.requests.to("token").length;

  for (const region of REGIONS) {
    await runStep(`${region}: token, GET /users`, async () => {
      await using source = openSource(talkdesk, region);
      const before = countTokenRequests();
      await callTwentyTimes(source);
      return `20 calls at once, all 200; ${describeRequests(countTokenRequests() - before)}`;
    });
  }

  await runStep("a signed JWT, no secret", async () => {
    await using source = clientCredentials(makeSigningClient(talkdesk));
    const before = countTokenRequests();
    await callTwentyTimes(source);
    return `20 calls at once, all 200; ${describeRequests(countTokenRequests() - before)}`;
  });

  await runStep("a service token", async () => {
    await using source = serviceToken(makeSigningClient(talkdesk), { lifetimeSeconds: 30 * 86_400 });
    const token = await source.getToken();
    await callTwentyTimes(source);
    const days = (token.expiresAt - token.issuedAt) / 86_400_000;
    return `${token.type}, lives ${days} days; 20 calls, all 200`;
  });

  await runStep("a user logs in", async () => {
    const client = makeSigningClient(talkdesk);
    const [redirectUri = ""] = talkdesk.clients.get().redirectUris;
    const pending = await startAuthorization(client, { redirectUri, scope: "openid users:read" });
    // The browser's part: the emulator signs its first user in at once and redirects to the application.
    const redirect = await fetch(pending.url, { redirect: "manual" });
    const callback = redirect.headers.get("location") ?? "";
    const { token, claims } = await finishAuthorization(client, callback, pending);
    await using session = userSession(client, { key: "a user", token });
    await callTwentyTimes(session);
    talkdesk.faults.revokeTokens();
    const before = countTokenRequests();
    await callTwentyTimes(session);
    check(claims !== undefined, "the login brought no ID token");
    return `ID token verified; 20 calls refused, ${countTokenRequests() - before} refresh, all 200`;
  });

  await runStep("the token is revoked", async () => {
    await using source = openSource(talkdesk, "us");
    await source.getToken();
    talkdesk.faults.revokeTokens();
    const before = countTokenRequests();
    await callTwentyTimes(source);
    return `20 calls refused, replayed, all 200; ${describeRequests(countTokenRequests() - before)}`;
  });

  await runStep("the token service answers 429", async () => {
    await using source = openSource(talkdesk, "us");
    talkdesk.faults.add({ at: "token", respond: { status: 429, headers: { "retry-after": "1" }, body: "" } });
    const { status } = await talkdeskFetch(source)("/users?per_page=1");
    check(status === 200, `the call after a 429 was answered ${status}`);
    return "waited 1 s as asked, then 200";
  });

  await runStep("the token is about to expire", async () => {
    const events: TokenEvent[] = [];
    await using source = openSource(talkdesk, "us", events);
    talkdesk.faults.add({ at: "token", patch: { expires_in: SHORT_LIFE_SECONDS } });
    const first = await source.getToken();
    await sleep(SHORT_LIFE_SECONDS * 920);
    check((await source.getToken()) === first, "a caller had to wait for a renewal");
    await waitUntil(() => events.filter(({ type }) => type === "token_received").length === 2);
    check((await source.getToken()) !== first, "the token was not renewed in the background");
    return "served at once, renewed in the background";
  });

  const events: TokenEvent[] = [];
  await using source = openSource(talkdesk, "us", events);
  await runStep("the token service is down", async () => {
    talkdesk.faults.add({ at: "token", patch: { expires_in: SHORT_LIFE_SECONDS } });
    await source.getToken();
    talkdesk.faults.add({
      at: "token",
      times: Number.POSITIVE_INFINITY,
      respond: { status: 503, headers: { "retry-after": "60" }, body: "" },
    });
    await sleep(SHORT_LIFE_SECONDS * 920);
    await source.getToken();
    await waitUntil(() => events.some(({ type }) => type === "gate_closed"));
    const { status } = await talkdeskFetch(source)("/users?per_page=1");
    const isStale = events.some((event) => event.type === "served_stale" && event.renewal === "failed");
    check(status === 200 && isStale, `a call with a token still valid was answered ${status}`);
    return "renewal failed; served stale, 200";
  });

  await runStep("then the token expires", async () => {
    await sleep(SHORT_LIFE_SECONDS * 100);
    const before = countTokenRequests();
    const startedAt = performance.now();
    const error = await source.getToken().catch((reason: unknown) => reason);
    const elapsedMs = performance.now() - startedAt;
    check(isTalkdeskError(error) && error.retryAt !== undefined, "the gate was not closed");
    return `gate closed: ${error.code} after ${elapsedMs.toFixed(1)} ms; ${describeRequests(countTokenRequests() - before)}`;
  });
}

async function callTwentyTimes(source: TokenSource): Promise<void> {
  const call = talkdeskFetch(source);
  const responses = await Promise.all(Array.from({ length: 20 }, () => call("/users?per_page=1")));
  const refused = responses.filter(({ status }) => status !== 200);
  check(refused.length === 0, `${refused.length} of 20 calls were answered ${refused[0]?.status}`);
  await Promise.all(responses.map((response) => response.arrayBuffer()));
}

/** Fails the demo when something else happened than its table will say. */
function check(isTrue: boolean, otherwise: string): asserts isTrue {
  if (!isTrue) throw new Error(`The demo failed: ${otherwise}.`);
}

function openSource(talkdesk: Emulator, region: Region, events: TokenEvent[] = []): ClosableTokenSource {
  const { clientId, clientSecret } = talkdesk.clients.get();
  return clientCredentials(
    talkdeskClient({
      endpoints: talkdesk.endpoints(undefined, region),
      authentication: clientSecretBasic({ clientId, clientSecret }),
      // Without jitter the renewal begins with its window, so the waits above can be fixed.
      random: () => 0,
    }),
    { onEvent: (event) => events.push(event) },
  );
}

/** Makes a client that signs with its key in place of sending its secret. */
function makeSigningClient(talkdesk: Emulator): TalkdeskClient {
  const { clientId, keyId, privateKey } = talkdesk.clients.get();
  return talkdeskClient({
    endpoints: talkdesk.endpoints(),
    authentication: privateKeyJwt({ clientId, keyId, privateKey }),
  });
}

const describeRequests = (count: number): string => `${count} token ${count === 1 ? "request" : "requests"}`;

async function waitUntil(isTrue: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isTrue() && waitedMs < 2_000; waitedMs += 10) await sleep(10);
}
