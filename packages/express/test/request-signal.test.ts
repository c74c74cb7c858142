import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startTalkdesk, type TalkdeskStage } from "./app.js";
import { type NotedApp, openNotedApp, outcome } from "./noted-app.js";
import { frameworks } from "./served.js";

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

describe.each(frameworks)("a handler's own signal in %s", (_name, framework) => {
  it.each(["/fetch", "/request", "/getToken"])("ends a wait by %s with its reason", async (path) => {
    const held = stage.heldSource();
    const own = new AbortController();
    const { signal } = own;
    await open(framework, held.source, async ({ talkdesk: { fetch, getToken } }, response) => {
      try {
        if (path === "/fetch") return await fetch("/contacts", { signal });
        if (path === "/request") return await fetch(new Request(`${held.source.api}/contacts`, { signal }));
        return await getToken({ signal });
      } finally {
        response.end();
      }
    });
    const answered = app.ask(path);
    const elsewhere = outcome(held.source.getToken());
    await app.arrival(path);
    await held.asked;
    own.abort(new RangeError("enough"));
    expect(await app.end(path)).toBe("RangeError");
    await answered;
    held.letGo();
    expect(await elsewhere).toBe("a token");
    expect(calls()).toEqual([1, 0]);
  });

  it("that has aborted before asks for nothing", async () => {
    const own = AbortSignal.abort(new RangeError("enough"));
    await open(framework, stage.source(), async ({ talkdesk }, response) => {
      response.end();
      return talkdesk.getToken({ signal: own });
    });
    await app.ask("/");
    expect(await app.end("/")).toBe("RangeError");
    expect(calls()).toEqual([0, 0]);
  });

  it("leaves the client's going away in force", async () => {
    const held = stage.heldSource();
    await open(framework, held.source, ({ talkdesk }) =>
      talkdesk.getToken({ signal: new AbortController().signal }),
    );
    const leaver = app.openClient("/");
    await held.asked;
    leaver.leave();
    expect(await app.end("/")).toBe("AbortError");
    held.letGo();
  });

  it("that is none is refused by a rejection", async () => {
    // Not an async function: what is thrown at once is no rejection.
    await open(framework, stage.source(), ({ talkdesk }, response) =>
      talkdesk.getToken({ signal: "soon" as unknown as AbortSignal }).finally(() => response.end()),
    );
    expect((await app.ask("/")).status).toBe(200);
    expect(await app.end("/")).toBe("TypeError");
  });
});
