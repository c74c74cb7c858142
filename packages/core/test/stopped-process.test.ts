import { createServer } from "node:http";
import {
  accessToken,
  type Grant,
  memoryStore,
  requestToken,
  serializeToken,
  type TokenStore,
} from "@talkdesk-oauth/core";
import { startEmulator } from "@talkdesk-oauth/emulator";
import { type OwnProcess, type ScriptFolder, scriptFolder } from "@talkdesk-oauth/fixtures/script-folder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VirtualClock } from "./support/lifecycle-fixture.js";
import { clientOf, endpointsAt, eventually, failure, listening } from "./support/token-endpoint.js";

/** Long enough for a busy machine to stop the process before its time is over. */
const TIMEOUT_MS = 10_000;
/** Long enough to stop the process while an answer is on its way. */
const DELAY_MS = 5_000;
const REDIRECT_URI = "https://app.example/callback";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Stops a process until what it waits for has come, and its deadline is over for long. */
async function stopUntil(child: OwnProcess, hasCome: () => boolean): Promise<void> {
  child.stop();
  await sleep(TIMEOUT_MS + 500);
  await eventually(hasCome, 60_000);
  // The data that was written arrives.
  await sleep(100);
  child.goOn();
}

/** Servers of this test's own, for what a process asks besides Talkdesk. */
async function remote(
  answer: (path: string, body: string) => Promise<string>,
): Promise<
  AsyncDisposable & { readonly origin: string; readonly asked: string[]; readonly answered: string[] }
> {
  const asked: string[] = [];
  const answered: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const path = request.url ?? "";
      asked.push(path);
      void answer(path, Buffer.concat(chunks).toString()).then((text) => {
        response.end(text);
        answered.push(path);
      });
    });
  });
  // Longer than a process is stopped: its next request must not meet a connection that is being closed.
  server.keepAliveTimeout = 60_000;
  const place = await listening(server);
  return { origin: place.origin, asked, answered, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
}

/** The beginning of every script: a client, and a function that reports the outcome. */
const PREAMBLE = `
import * as core from "./index.js";
const { ENDPOINTS, CLIENT_ID, CLIENT_SECRET, REMOTE, TOKEN } = process.env;
const ask = async (path, body) => (await fetch(REMOTE + path, { method: "POST", body: JSON.stringify(body ?? null) })).text();
const clientWith = (clientSecret = CLIENT_SECRET) => core.talkdeskClient({
  endpoints: JSON.parse(ENDPOINTS),
  authentication: core.clientSecretBasic({ clientId: CLIENT_ID, clientSecret }),
  timeoutMs: ${TIMEOUT_MS},
});
const outcome = (work) => work.then(() => console.log("done"), (error) => console.log(error.code, error.message));
`;

/** An emulator of one test, and processes that use it. */
async function setStage(folder: ScriptFolder) {
  const talkdesk = await startEmulator();

  function start(script: string, variables: Record<string, string> = {}): OwnProcess {
    const { clientId, clientSecret } = [...talkdesk.clients].at(-1) ?? talkdesk.clients.get();
    return folder.start(`${PREAMBLE}${script}`, {
      ENDPOINTS: JSON.stringify(talkdesk.endpoints()),
      CLIENT_ID: clientId,
      CLIENT_SECRET: clientSecret,
      ...variables,
    });
  }

  const tokenRequests = () => talkdesk.requests.to("token");
  const isAnswered = (to: "token" | "jwks") => () =>
    talkdesk.requests.to(to).length > 0 &&
    talkdesk.requests.to(to).every(({ status }) => status !== undefined);

  /** A login of the client that was added last, and the token of its code. */
  async function login(): Promise<string> {
    const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [REDIRECT_URI] });
    const { code } = await talkdesk.authorize({
      clientId,
      redirectUri: REDIRECT_URI,
      scope: "openid refresh_token users:read",
    });
    const token = await requestToken(
      clientOf(
        { endpoints: talkdesk.endpoints() },
        {
          authentication: ({ headers }) =>
            headers.set(
              "authorization",
              `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`,
            ),
        },
      ),
      { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI },
    );
    talkdesk.requests.clear();
    // Its time is over, so it has to be refreshed.
    return serializeToken(
      accessToken({
        value: token.value,
        issuedAt: Date.now() - 600_000,
        expiresAt: Date.now() - 1_000,
        ...(token.refreshToken !== undefined && { refreshToken: token.refreshToken }),
      }),
    );
  }

  return { talkdesk, start, tokenRequests, isAnswered, login, [Symbol.asyncDispose]: talkdesk.stop };
}

async function expectDone(child: OwnProcess): Promise<void> {
  expect(await child.end).toMatchObject({ code: 0, lines: ["done"], stderr: "" });
}

describe
  .skipIf(process.platform === "win32")
  .concurrent("a process that was stopped for longer than its deadline", () => {
    let folder: ScriptFolder;
    beforeAll(() => {
      folder = scriptFolder(new URL("../", import.meta.url));
    });
    afterAll(() => folder[Symbol.dispose]());

    it("takes the token that has arrived meanwhile, and asks once", async () => {
      await using stage = await setStage(folder);
      stage.talkdesk.faults.add({ at: "token", delayMs: DELAY_MS });
      const child = stage.start("await outcome(core.clientCredentials(clientWith()).getToken());");
      await stage.talkdesk.requests.waitFor(({ to }) => to === "token", { timeoutMs: 60_000 });
      await stopUntil(child, stage.isAnswered("token"));
      await expectDone(child);
      expect(stage.tokenRequests()).toHaveLength(1);
    });

    it("takes a body that has arrived meanwhile", async () => {
      await using stage = await setStage(folder);
      stage.talkdesk.faults.add({ at: "token", trickle: { chunkBytes: 250, everyMs: 300 } });
      const child = stage.start("await outcome(core.clientCredentials(clientWith()).getToken());");
      await eventually(() => stage.tokenRequests()[0]?.status === 200, 60_000);
      await stopUntil(child, stage.isAnswered("token"));
      await expectDone(child);
      expect(stage.tokenRequests()).toHaveLength(1);
    });

    it("keeps its session: the refresh token is sent once, and its successor is used", async () => {
      await using stage = await setStage(folder);
      const token = await stage.login();
      stage.talkdesk.faults.add({ at: "token", delayMs: DELAY_MS });
      const child = stage.start(
        `const session = core.userSession(clientWith(), { key: "k", token: core.deserializeToken(TOKEN) });
       await outcome(session.getToken().then((rejected) => session.getToken({ rejected })));`,
        { TOKEN: token },
      );
      await stage.talkdesk.requests.waitFor(({ to }) => to === "token", { timeoutMs: 60_000 });
      await stopUntil(child, stage.isAnswered("token"));
      await expectDone(child);
      expect(new Set(stage.tokenRequests().map(({ form }) => form.get("refresh_token"))).size).toBe(2);
      expect(stage.tokenRequests().map(({ status }) => status)).toEqual([200, 200]);
    });

    it.each([
      ["client credentials", "core.clientCredentials(client)"],
      ["a session", 'core.userSession(client, { key: "k", token: core.deserializeToken(TOKEN) })'],
    ])("takes the secret that has arrived meanwhile, and goes on: %s", async (_, source) => {
      await using stage = await setStage(folder);
      const token = await stage.login();
      const { clientSecret } = [...stage.talkdesk.clients].at(-1) ?? stage.talkdesk.clients.get();
      let lookUps = 0;
      await using vault = await remote(async () => {
        lookUps += 1;
        if (lookUps === 1) await sleep(DELAY_MS);
        return clientSecret;
      });
      const child = stage.start(
        `const client = clientWith(() => ask("/secret")); await outcome(${source}.getToken());`,
        { TOKEN: token, REMOTE: vault.origin },
      );
      await eventually(() => vault.asked.length === 1, 60_000);
      await stopUntil(child, () => vault.answered.length === 1);
      await expectDone(child);
      expect(stage.tokenRequests().map(({ status }) => status)).toEqual([200]);
    });

    it("takes the keys that have arrived meanwhile, and finishes the login", async () => {
      await using stage = await setStage(folder);
      const { clientId } = stage.talkdesk.clients.add({ redirectUris: [REDIRECT_URI] });
      stage.talkdesk.faults.add({ at: "jwks", delayMs: DELAY_MS });
      await using browser = await remote(async (_, body) => {
        const { searchParams } = new URL(JSON.parse(body) as string);
        const { code } = await stage.talkdesk.authorize({
          clientId,
          redirectUri: REDIRECT_URI,
          scope: "openid",
          nonce: String(searchParams.get("nonce")),
        });
        return `?code=${code}&state=${searchParams.get("state")}`;
      });
      const child = stage.start(
        `const client = clientWith();
       const pending = await core.startAuthorization(client, { redirectUri: "${REDIRECT_URI}", scope: "openid" });
       const callback = await ask("/authorize", pending.url);
       const issuers = [new URL(client.endpoints.authorize).origin, process.env.ISSUER];
       await outcome(core.finishAuthorization(client, callback, pending, { issuers }));`,
        { REMOTE: browser.origin, ISSUER: stage.talkdesk.endpoints().token.replace("/oauth/token", "") },
      );
      await stage.talkdesk.requests.waitFor(({ to }) => to === "jwks", { timeoutMs: 60_000 });
      await stopUntil(child, stage.isAnswered("jwks"));
      await expectDone(child);
      expect(stage.talkdesk.requests.to("jwks")).toHaveLength(1);
    });

    /** A store that processes ask over the network. */
    const REMOTE_STORE = `
    const call = async (verb, ...args) => { const text = await ask("/" + verb, args); return text === "" ? undefined : JSON.parse(text); };
    const store = {
      read: (key) => call("read", key),
      write: (key, value, options) => call("write", key, value, options),
      delete: (key) => call("delete", key),
      async lock(key, { ttlMs }) {
        const fence = await call("lock", key, { ttlMs });
        return fence === undefined ? undefined : { fence, release: () => call("release", fence) };
      },
    };`;

    async function remoteStore(store: TokenStore, slowVerb: string) {
      let isSlow = true;
      const locks = new Map<number, () => Promise<void>>();
      return await remote(async (path, body) => {
        const args = JSON.parse(body) as [string, never];
        const verb = path.slice(1);
        let answer: unknown;
        if (verb === "release") await locks.get(Number(args[0]))?.();
        else if (verb === "lock") {
          const lock = await store.lock(args[0], args[1]);
          if (lock !== undefined) locks.set(lock.fence, () => lock.release());
          answer = lock?.fence;
        } else
          answer = await (store as never as Record<string, (...args: unknown[]) => unknown>)[verb]?.(...args);
        if (verb === slowVerb && isSlow) {
          isSlow = false;
          await sleep(DELAY_MS);
        }
        return JSON.stringify(answer) ?? "";
      });
    }

    it.each(["read", "lock", "write"])(
      "takes the answer of a store that has arrived meanwhile, and keeps its session: %s",
      async (verb) => {
        await using stage = await setStage(folder);
        const token = await stage.login();
        const store = memoryStore();
        await using host = await remoteStore(store, verb);
        const child = stage.start(
          `${REMOTE_STORE}
         const session = core.userSession(clientWith(), { store, key: "k", token: core.deserializeToken(TOKEN) });
         await outcome(session.getToken().then((rejected) => session.getToken({ rejected })));`,
          { TOKEN: token, REMOTE: host.origin },
        );
        await eventually(() => host.asked.includes(`/${verb}`), 60_000);
        await stopUntil(child, () => host.answered.includes(`/${verb}`));
        await expectDone(child);
        expect(stage.tokenRequests().map(({ status }) => status)).toEqual([200, 200]);
      },
    );

    it("takes what another process has renewed meanwhile, when it waited for that", async () => {
      await using stage = await setStage(folder);
      const token = await stage.login();
      const store = memoryStore();
      const lock = await store.lock("k", { ttlMs: 60_000 });
      await using host = await remoteStore(store, "");
      const child = stage.start(
        `${REMOTE_STORE}
       const session = core.userSession(clientWith(), { store, key: "k", token: core.deserializeToken(TOKEN) });
       await outcome(session.getToken());`,
        { TOKEN: token, REMOTE: host.origin },
      );
      await eventually(() => host.answered.includes("/lock"), 60_000);
      await stopUntil(child, () => true);
      // The lock is free only now; the process has asked for it in vain so far.
      await lock?.release();
      await expectDone(child);
      expect(stage.tokenRequests().map(({ status }) => status)).toEqual([200]);
    });

    it("ends a call that nothing has arrived for", async () => {
      await using stage = await setStage(folder);
      stage.talkdesk.faults.add({ at: "token", hang: true });
      const child = stage.start("await outcome(core.clientCredentials(clientWith()).getToken());");
      await stage.talkdesk.requests.waitFor(({ to }) => to === "token", { timeoutMs: 60_000 });
      await stopUntil(child, () => true);
      const { lines } = await child.end;
      expect(lines).toEqual([expect.stringMatching(/^token_timeout /)]);
    });
  });

describe("a deadline that strikes late", () => {
  const clientCredentials: Grant = { grant_type: "client_credentials" };

  /** A call whose process stops for a minute once `isUnderWay`. */
  function stoppedCall(options: Parameters<typeof clientOf>[1]) {
    const clock = new VirtualClock();
    const client = clientOf({ endpoints: endpointsAt("http://127.0.0.1:9") }, { clock, ...options });
    return { clock, call: requestToken(client, clientCredentials), client };
  }

  const granted = () => Response.json({ access_token: "token-1" });

  it("loses to an answer that arrives right after it", async () => {
    const answers: ((response: Response) => void)[] = [];
    const { clock, call } = stoppedCall({ fetch: () => new Promise((resolve) => answers.push(resolve)) });
    await eventually(() => answers.length === 1);
    clock.pass(60_000);
    clock.fireTimers();
    answers[0]?.(granted());
    expect((await call).value).toBe("token-1");
    expect(clock.timers).toBe(0);
  });

  it("loses to a secret that arrives right after it, and the request has all of the time", async () => {
    const secrets: ((secret: string) => void)[] = [];
    const answers: ((response: Response) => void)[] = [];
    const { clientSecretBasic } = await import("@talkdesk-oauth/core");
    const authentication = clientSecretBasic({
      clientId: "i",
      clientSecret: () => new Promise((resolve) => secrets.push(resolve)),
    });
    const { clock, call } = stoppedCall({
      authentication,
      fetch: () => new Promise((resolve) => answers.push(resolve)),
    });
    await eventually(() => secrets.length === 1);
    clock.pass(60_000);
    clock.fireTimers();
    secrets[0]?.("s");
    await eventually(() => answers.length === 1);
    await clock.advance(9_999);
    answers[0]?.(granted());
    expect((await call).value).toBe("token-1");
  });

  it("is no obstacle to another attempt, when what has arrived is a broken connection", async () => {
    const calls: { resolve(response: Response): void; reject(error: Error): void }[] = [];
    const { clock, call } = stoppedCall({
      fetch: () => new Promise((resolve, reject) => calls.push({ resolve, reject })),
    });
    await eventually(() => calls.length === 1);
    clock.pass(60_000);
    clock.fireTimers();
    calls[0]?.reject(Object.assign(new Error("reset"), { code: "ECONNRESET" }));
    await clock.advance(0);
    await eventually(() => calls.length === 2);
    calls[1]?.resolve(granted());
    expect((await call).value).toBe("token-1");
  });

  it("ends the call when nothing arrives", async () => {
    const { clock, call } = stoppedCall({ fetch: () => new Promise(() => {}) });
    const ended = failure(call);
    await eventually(() => clock.timers === 1);
    clock.pass(60_000);
    clock.fireTimers();
    expect(await ended).toMatchObject({ code: "token_timeout", retryable: true });
  });

  it("ends the call on time when the process was there all the while", async () => {
    const answers: ((response: Response) => void)[] = [];
    const { clock, call } = stoppedCall({ fetch: () => new Promise((resolve) => answers.push(resolve)) });
    const ended = failure(call);
    await eventually(() => answers.length === 1);
    await clock.advance(10_000);
    answers[0]?.(granted());
    expect((await ended).code).toBe("token_timeout");
  });
});
