import { once } from "node:events";
import { Agent } from "node:http";
import type { Socket } from "node:net";
import type { TokenSource } from "@talkdesk-oauth/core";
import { talkdesk } from "@talkdesk-oauth/express";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openApp, signalled, startTalkdesk, type TalkdeskStage } from "./support/app.js";
import { type NotedApp, openNotedApp, outcome } from "./support/noted-app.js";
import { frameworks } from "./support/served.js";

let stage: TalkdeskStage;
beforeAll(async () => {
  stage = await startTalkdesk();
});
afterAll(() => stage[Symbol.asyncDispose]());

let app: NotedApp;
const open = async (...args: Parameters<typeof openNotedApp>): Promise<void> => {
  app = await openNotedApp(...args);
};
beforeEach(() => {
  stage.talkdesk.requests.clear();
  stage.talkdesk.faults.clear();
});
afterEach(() => app?.[Symbol.asyncDispose]());

const calls = (): number[] =>
  (["token", "api"] as const).map((target) => stage.talkdesk.requests.to(target).length);

describe.each(frameworks)("a client that disconnects in %s", (_name, framework) => {
  it("ends the wait of its own request for a token, and no other wait", async () => {
    const held = stage.heldSource();
    await open(framework, held.source, async ({ path, talkdesk }, response) => {
      const answer = path === "/stays" ? await talkdesk.fetch("/contacts") : await talkdesk.getToken();
      response.end();
      return answer;
    });
    const leaver = app.openClient("/leaves");
    await held.asked;
    const staying = app.ask("/stays");
    await app.arrival("/stays");
    const elsewhere = outcome(held.source.getToken());
    leaver.leave();
    expect(await app.end("/leaves")).toBe("AbortError");
    held.letGo();
    expect(await app.end("/stays")).toBe(200);
    expect((await staying).status).toBe(200);
    expect(await elsewhere).toBe("a token");
    expect(calls()).toEqual([1, 1]);
  });

  it("causes no call to the API afterwards", async () => {
    const held = stage.heldSource();
    await open(framework, held.source, ({ talkdesk }) => talkdesk.fetch("/contacts"));
    const leaver = app.openClient("/");
    await held.asked;
    leaver.leave();
    expect(await app.end("/")).toBe("AbortError");
    held.letGo();
    await held.source.getToken();
    expect(calls()).toEqual([1, 0]);
  });

  it.each(["/fetch", "/getToken"])("makes %s reject afterwards, although a token is held", async (path) => {
    const source = stage.source();
    await source.getToken();
    await open(framework, source, async ({ talkdesk }, response) => {
      await once(response, "close");
      return path === "/fetch" ? talkdesk.fetch("/contacts") : talkdesk.getToken();
    });
    const leaver = app.openClient(path);
    await app.arrival(path);
    leaver.leave();
    expect(await app.end(path)).toBe("AbortError");
    expect(calls()).toEqual([1, 0]);
  });

  it("causes no token request when it disconnects while its source is chosen", async () => {
    const found = signalled<TokenSource>();
    const asked = signalled();
    const ended = signalled<unknown>();
    await using finding = await openApp(framework, (app) => {
      app.use(
        talkdesk((request) => {
          request.res?.once("close", () => found.give(stage.source()));
          asked.give();
          return found.given;
        }),
      );
      app.use((request) => void outcome(request.talkdesk.fetch("/contacts")).then(ended.give));
    });
    const leaving = new AbortController();
    const answered = finding.ask("/", { signal: leaving.signal });
    await asked.given;
    leaving.abort();
    await expect(answered).rejects.toThrow();
    expect(await ended.given).toBe("AbortError");
    expect(calls()).toEqual([0, 0]);
  });

  it("does not stop a call that was sent", async () => {
    const released = signalled();
    async function* body(): AsyncGenerator<string> {
      await released.given;
      yield "whole";
    }
    stage.talkdesk.faults.add({ at: "api", respond: { status: 200, body: body() } });
    const gone = signalled();
    let text: string | undefined;
    await open(framework, stage.source(), async ({ talkdesk }, response) => {
      response.once("close", () => gone.give());
      const answer = await talkdesk.fetch("/contacts");
      text = await answer.text();
      return answer;
    });
    const leaver = app.openClient("/");
    await stage.talkdesk.requests.waitFor(({ to }) => to === "api");
    leaver.leave();
    await gone.given;
    released.give();
    expect(await app.end("/")).toBe(200);
    expect(text).toBe("whole");
  });

  it("leaves the refused answer to the handler when it disconnects during a renewal", async () => {
    const held = stage.heldSource();
    const refused = await stage.source().getToken();
    stage.talkdesk.faults.revokeTokens();
    const source: TokenSource = {
      api: held.source.api,
      getToken: async (request) => (request?.rejected ? held.source.getToken(request) : refused),
    };
    await open(framework, source, ({ talkdesk }) => talkdesk.fetch("/contacts"));
    const leaver = app.openClient("/");
    await held.asked;
    leaver.leave();
    expect(await app.end("/")).toBe(401);
    held.letGo();
    await held.source.getToken();
    expect(calls()).toEqual([2, 1]);
  });
});

describe.each(frameworks)("a response that is finished in %s", (_name, framework) => {
  it("does not end waits that go on or begin after it", async () => {
    const held = stage.heldSource();
    const agent = new Agent({ keepAlive: true });
    const sockets: Socket[] = [];
    await open(framework, held.source, async ({ path, socket, talkdesk }, response) => {
      sockets.push(socket);
      const waiting = path === "/now" ? talkdesk.getToken() : undefined;
      response.end();
      return waiting ?? (await once(response, "close").then(() => talkdesk.fetch("/contacts")));
    });
    await app.ask("/now", { agent });
    await app.ask("/later", { agent });
    const closed = Promise.all(sockets.map((socket) => once(socket, "close")));
    agent.destroy();
    await closed;
    held.letGo();
    expect(await app.end("/now")).toBe("a token");
    expect(await app.end("/later")).toBe(200);
  });

  it("counts as finished although the client disconnects before reading it", async () => {
    const held = stage.heldSource();
    const closed = signalled();
    await open(framework, held.source, async ({ talkdesk }, response) => {
      const waiting = talkdesk.getToken();
      // More than the buffers between here and there take.
      response.once("close", () => closed.give()).end(Buffer.alloc(64 * 2 ** 20));
      return waiting;
    });
    const leaver = app.openClient("/");
    await held.asked;
    leaver.leave();
    await closed.given;
    held.letGo();
    expect(await app.end("/")).toBe("a token");
  });

  it("does not count as finished while it is being written", async () => {
    const held = stage.heldSource();
    await open(framework, held.source, async ({ talkdesk }, response) => {
      response.write("a part");
      return talkdesk.getToken();
    });
    const leaver = app.openClient("/");
    await held.asked;
    leaver.leave();
    expect(await app.end("/")).toBe("AbortError");
    held.letGo();
  });
});

describe.each(frameworks)("a connection that is kept in %s", (_name, framework) => {
  it("ends the waits of the current request only", async () => {
    const held = stage.heldSource();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<Socket>();
    await open(framework, held.source, async ({ path, socket, talkdesk }, response) => {
      sockets.add(socket);
      const waiting = talkdesk.getToken();
      if (path !== "/third") response.end();
      return waiting;
    });
    await app.ask("/first", { agent });
    await app.ask("/second", { agent });
    const leaving = new AbortController();
    const third = app.ask("/third", { agent, signal: leaving.signal });
    await app.arrival("/third");
    leaving.abort();
    await expect(third).rejects.toThrow();
    expect(await app.end("/third")).toBe("AbortError");
    held.letGo();
    expect(await app.end("/first")).toBe("a token");
    expect(await app.end("/second")).toBe("a token");
    expect(sockets.size).toBe(1);
  });

  it("collects no listeners, and adds one at most to each response", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ofSocket: number[] = [];
    const ofResponse: number[] = [];
    await open(framework, stage.source(), async ({ socket, talkdesk: { getToken, fetch } }, response) => {
      const before = response.listenerCount("close");
      const own = new AbortController().signal;
      await Promise.all(Array.from({ length: 100 }, () => getToken({ signal: own })));
      await Promise.all(Array.from({ length: 10 }, () => fetch("/contacts", { signal: own })));
      ofResponse.push(response.listenerCount("close") - before);
      ofSocket.push(socket.eventNames().reduce((count, event) => count + socket.listenerCount(event), 0));
      response.end();
    });
    const warnings: unknown[] = [];
    const note = (warning: unknown): void => void warnings.push(warning);
    process.on("warning", note);
    try {
      for (let count = 0; count < 12; count++) await app.ask("/", { agent });
      await new Promise(setImmediate);
    } finally {
      process.off("warning", note);
    }
    agent.destroy();
    expect(ofResponse).toEqual(Array(12).fill(1));
    expect(new Set(ofSocket).size).toBe(1);
    expect(warnings).toEqual([]);
  });
});
