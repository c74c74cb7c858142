import {
  accessToken,
  clientCredentials,
  clientSecretBasic,
  TalkdeskError,
  type TokenSource,
} from "@talkdesk-oauth/core";
import { talkdesk, talkdeskErrorHandler } from "@talkdesk-oauth/express";
import type { RequestHandler } from "express";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answer, type App, openApp, startTalkdesk, type TalkdeskStage } from "./support/app.js";
import { type Framework, frameworks, passing, serve } from "./support/served.js";

let stage: TalkdeskStage;
beforeAll(async () => {
  stage = await startTalkdesk();
});
afterAll(() => stage[Symbol.asyncDispose]());
beforeEach(() => {
  stage.talkdesk.faults.clear();
  stage.talkdesk.requests.clear();
});

const calls = (): number[] =>
  (["token", "api"] as const).map((target) => stage.talkdesk.requests.to(target).length);

/** Handlers of all sorts: Express 5 passes on what an async one rejects with, Express 4 has to be told. */
async function open(framework: Framework, source: TokenSource): Promise<App> {
  const [[, express5] = []] = frameworks;
  const handlers: Record<string, Parameters<typeof passing>[0]> = {
    "/getToken": async ({ talkdesk: { getToken } }, response) => {
      await getToken();
      response.send("done");
    },
    "/fetch": async ({ talkdesk: { fetch } }, response) => {
      response.status((await fetch("/contacts")).status).send("done");
    },
    "/wrapped": async ({ talkdesk: { fetch } }, response) => {
      const answer = await fetch("/contacts").catch((cause: unknown) => {
        throw new Error("contacts could not be listed", { cause });
      });
      response.status(answer.status).send("done");
    },
  };
  return openApp(framework, (app) => {
    app.use(talkdesk(source));
    for (const [path, handler] of Object.entries(handlers)) {
      app.get(path, framework === express5 ? (handler as RequestHandler) : passing(handler));
    }
    app.get("/promise", ({ talkdesk: { fetch } }, response, next) => {
      fetch("/contacts").then(({ status }) => response.status(status).send("done"), next);
    });
    app.use(talkdeskErrorHandler());
  });
}
const PATHS = ["/getToken", "/fetch", "/wrapped", "/promise"];

const told = ({ status, text }: Answer): unknown => {
  const { code } = status === 200 ? { code: "none" } : JSON.parse(text);
  return [status, code];
};

/** An origin where nobody listens. */
async function nowhere(): Promise<string> {
  await using gone = await serve(() => () => {});
  return gone.origin;
}

describe.each(frameworks)("a source that fails, in %s,", (_name, framework) => {
  it.each(PATHS)("is answered with 502 by %s when Talkdesk cannot be reached", async (path) => {
    const token = `${(await nowhere()).replace("localhost", "127.0.0.1")}/oauth/token`;
    const endpoints = { ...stage.talkdesk.endpoints(), token };
    await using app = await open(framework, stage.source({ endpoints, random: () => 0 }));
    expect(told(await app.ask(path))).toEqual([502, "token_network"]);
    expect(app.errors).toEqual([]);
  });

  it.each(PATHS)("is answered with 502 by %s when Talkdesk does not answer", async (path) => {
    stage.talkdesk.faults.add({ at: "token", hang: true, times: Number.POSITIVE_INFINITY });
    await using app = await open(framework, stage.source({ timeoutMs: 200 }));
    expect(told(await app.ask(path))).toEqual([502, "token_timeout"]);
    expect(calls()[1]).toBe(0);
  });

  it.each(PATHS)("is answered with 502 and not 401 by %s when the client is refused", async (path) => {
    const authentication = clientSecretBasic({ clientId: "nobody", clientSecret: "a wrong secret" });
    await using app = await open(framework, stage.source({ authentication }));
    const answer = await app.ask(path);
    expect(told(answer)).toEqual([502, "client_refused"]);
    expect(answer.headers["www-authenticate"]).toBeUndefined();
    expect(calls()).toEqual([1, 0]);
  });

  it.each(PATHS)("is answered with 502 by %s when the token response is malformed", async (path) => {
    stage.talkdesk.faults.add({ at: "token", patch: { access_token: 7 } });
    await using app = await open(framework, stage.source());
    expect(told(await app.ask(path))).toEqual([502, "token_malformed"]);
  });

  it.each(PATHS)(
    "is answered with 503 and Retry-After by %s when Talkdesk is busy, and is not asked before then",
    async (path) => {
      const busy = stage.talkdesk.faults.add({
        at: "token",
        times: Number.POSITIVE_INFINITY,
        respond: { status: 503, headers: { "retry-after": "120" }, body: "<h1>busy</h1>" },
      });
      await using app = await open(framework, stage.source());
      for (let count = 0; count < 3; count++) {
        const answer = await app.ask(path);
        expect(told(answer)).toEqual([503, "token_unavailable"]);
        expect(Number(answer.headers["retry-after"])).toBeGreaterThan(115);
        expect(Number(answer.headers["retry-after"])).toBeLessThanOrEqual(120);
        expect(answer.text).not.toContain("<h1>");
      }
      expect(calls()).toEqual([1, 0]);
      busy.remove();
      // Another's gate is another's.
      await using other = await open(framework, stage.source());
      expect((await other.ask(path)).status).toBe(200);
    },
  );

  it("fails all requests that waited, and none after it has recovered", async () => {
    stage.talkdesk.faults.add({ at: "token", respond: { status: 400, body: '{"error":"invalid_scope"}' } });
    const { source, letGo } = stage.heldSource();
    let waiting = 0;
    await using app = await open(framework, {
      api: source.api,
      getToken(request) {
        waiting += 1;
        if (waiting === 8) letGo();
        return source.getToken(request);
      },
    });
    const answers = await Promise.all([...PATHS, ...PATHS].map((path) => app.ask(path)));
    expect(answers.map(told)).toEqual(Array(8).fill([502, "request_refused"]));
    expect(calls()).toEqual([1, 0]);
    for (const path of PATHS) expect((await app.ask(path)).status).toBe(200);
    expect(app.errors).toEqual([]);
  });

  it("leaves the API's answer to the handler when a refused token cannot be renewed", async () => {
    await using app = await open(framework, stage.source());
    expect((await app.ask("/fetch")).status).toBe(200);
    stage.talkdesk.faults.revokeTokens();
    stage.talkdesk.faults.add({ at: "token", respond: { status: 400, body: '{"error":"invalid_scope"}' } });
    expect(await app.ask("/fetch")).toMatchObject({ status: 401, text: "done" });
    expect((await app.ask("/fetch")).status).toBe(200);
  });

  it("is answered in the same way when it fails to be chosen", async () => {
    const failing = async (): Promise<TokenSource> => {
      throw new TalkdeskError("store_unavailable", "the store is down");
    };
    await using app = await openApp(framework, (app) => {
      app.use(talkdesk(failing), (_request, response) => void response.send("done"));
      app.use(talkdeskErrorHandler());
    });
    expect(told(await app.ask("/"))).toEqual([503, "store_unavailable"]);
  });

  it("is answered in the same way when it throws synchronously", async () => {
    const source: TokenSource = {
      api: stage.talkdesk.endpoints().api,
      getToken() {
        throw new TalkdeskError("credentials_unavailable", "of one's own making");
      },
    };
    await using app = await open(framework, source);
    for (const path of PATHS) expect(told(await app.ask(path))).toEqual([502, "credentials_unavailable"]);
  });

  it("reaches the app's own error handler when its error is not a TalkdeskError", async () => {
    const error = new RangeError("of one's own making");
    await using app = await open(framework, {
      api: stage.talkdesk.endpoints().api,
      getToken: async () => Promise.reject(error),
    });
    for (const path of ["/getToken", "/fetch", "/promise"]) {
      expect((await app.ask(path)).status).toBe(500);
      expect(app.errors.pop()).toBe(error);
    }
  });
});

describe("an error on its way to the API", () => {
  it.each(frameworks)("reaches the handler unchanged in %s", async (_name, framework) => {
    const api = await nowhere();
    const token = accessToken({ value: "a-token", expiresAt: Date.now() + 60_000 });
    await using app = await open(framework, { api, getToken: async () => token });
    expect((await app.ask("/fetch")).status).toBe(500);
    expect(app.errors).toEqual([expect.objectContaining({ name: "TypeError" })]);
  });

  it("does not close a source that others use", async () => {
    const source = clientCredentials(stage.client());
    await using app = await open(frameworks[0]?.[1] as Framework, source);
    stage.talkdesk.faults.add({ at: "api", reset: "before" });
    expect((await app.ask("/fetch")).status).toBe(500);
    expect((await app.ask("/fetch")).status).toBe(200);
    expect(calls()).toEqual([1, 2]);
  });
});
