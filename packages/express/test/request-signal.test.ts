import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startTalkdesk, type TalkdeskStage } from "./support/app.js";
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

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Its listeners, and what the platform keeps on it for other signals that depend on it. */
function entriesOn(signal: AbortSignal): number {
  const dependants = Object.getOwnPropertySymbols(signal).find(({ description }) =>
    /depend[ae]nt/i.test(description ?? ""),
  );
  const kept = dependants && (Reflect.get(signal, dependants) as Set<unknown> | null);
  return getEventListeners(signal, "abort").length + (kept?.size ?? 0);
}

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

  it("causes no token request when it has aborted already", async () => {
    const own = AbortSignal.abort(new RangeError("enough"));
    await open(framework, stage.source(), async ({ talkdesk }, response) => {
      response.end();
      return talkdesk.getToken({ signal: own });
    });
    await app.ask("/");
    expect(await app.end("/")).toBe("RangeError");
    expect(calls()).toEqual([0, 0]);
  });

  it("does not replace the end of the wait when the client disconnects", async () => {
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

  it.each(["/fetch", "/getToken"])("keeps no listener of %s after the call", async (path) => {
    const { signal } = new AbortController();
    const source = stage.source();
    await open(framework, source, async ({ talkdesk: { fetch, getToken } }, response) => {
      try {
        if (path === "/getToken") return await getToken({ signal });
        const { status, body } = await fetch("/contacts", { signal });
        await body?.cancel();
        return status;
      } finally {
        response.end();
      }
    });
    await source.getToken();
    const requests = 60;
    for (let request = 0; request < requests; request += 1) await app.ask(path);

    // The global fetch listens until its own Request has been collected, which may take a while.
    const left = (): number => {
      collectGarbage();
      return entriesOn(signal);
    };
    await expect.poll(left).toBeLessThan(requests / 2);
  });

  it("causes a rejection when it is not a signal", async () => {
    // Not an async function: what is thrown at once is no rejection.
    await open(framework, stage.source(), ({ talkdesk }, response) =>
      talkdesk.getToken({ signal: "soon" as unknown as AbortSignal }).finally(() => response.end()),
    );
    expect((await app.ask("/")).status).toBe(200);
    expect(await app.end("/")).toBe("TypeError");
  });
});
