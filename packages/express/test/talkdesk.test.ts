import { isTalkdeskError, memoryStore, type TokenSource } from "@talkdesk-oauth/core";
import { type SourceOfRequest, talkdesk, talkdeskLogin } from "@talkdesk-oauth/express";
import { Router } from "express";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openApp, startTalkdesk, type TalkdeskStage } from "./support/app.js";
import { frameworks, passing } from "./support/served.js";

let stage: TalkdeskStage;
beforeAll(async () => {
  stage = await startTalkdesk();
});
afterAll(() => stage[Symbol.asyncDispose]());
beforeEach(() => stage.talkdesk.requests.clear());

const requestsTo = (target: "token" | "api"): number => stage.talkdesk.requests.to(target).length;

/** Answers with what a call of the API said. */
const contacts = passing(async ({ talkdesk: { fetch } }, response) => {
  const answer = await fetch("/contacts?per_page=1");
  response.status(answer.status).json(await answer.json());
});

describe.each(frameworks)("talkdesk() in %s", (_name, framework) => {
  it("gives handlers the source, its tokens, and the API", async () => {
    const source = stage.source();
    const seen: unknown[] = [];
    await using app = await openApp(framework, (app) => {
      app.use(talkdesk(source));
      app.get(
        "/token",
        passing(async (request, response) => {
          const token = await request.talkdesk.getToken();
          seen.push(request.talkdesk.source === source, token === (await source.getToken()), token.type);
          response.end();
        }),
      );
      app.get("/contacts", contacts);
    });
    expect((await app.ask("/token")).status).toBe(200);
    const answer = await app.ask("/contacts");
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)._embedded.contacts).toHaveLength(1);
    expect(seen).toEqual([true, true, "Bearer"]);
    expect([requestsTo("token"), requestsTo("api")]).toEqual([1, 1]);
  });

  it("gives functions that may be taken out of it", async () => {
    const answers: unknown[] = [];
    await using app = await openApp(framework, (app) => {
      app.use(talkdesk(stage.source()));
      app.get(
        "/",
        passing(async ({ talkdesk: { fetch, getToken } }, response) => {
          const [answer, token] = await Promise.all([fetch("/contacts"), getToken()]);
          answers.push(answer.status, token.value !== "");
          response.end();
        }),
      );
    });
    await app.ask("/");
    expect(answers).toEqual([200, true]);
  });

  it("hands a refused token on, so that the next is another", async () => {
    const values: string[] = [];
    await using app = await openApp(framework, (app) => {
      app.use(talkdesk(stage.source()));
      app.get(
        "/",
        passing(async ({ talkdesk: { getToken } }, response) => {
          const rejected = await getToken();
          values.push(rejected.value, (await getToken({ rejected })).value);
          response.end();
        }),
      );
    });
    await app.ask("/");
    expect(new Set(values).size).toBe(2);
    expect(requestsTo("token")).toBe(2);
  });

  it("renews a token that the API refuses, and sends the call again", async () => {
    await using app = await openApp(framework, (app) => {
      app.use(talkdesk(stage.source()));
      app.get("/contacts", contacts);
    });
    await app.ask("/contacts");
    stage.talkdesk.faults.revokeTokens();
    expect((await app.ask("/contacts")).status).toBe(200);
    expect([requestsTo("token"), requestsTo("api")]).toEqual([2, 3]);
  });

  it("sends the token nowhere but to the API, and not to a token endpoint there", async () => {
    const received: unknown[] = [];
    await using api = await openApp(framework, (app) => {
      app.use((request, response) => {
        received.push([request.url, request.headers.authorization !== undefined]);
        response.end();
      });
    });
    await using elsewhere = await openApp(framework, (app) => {
      app.use((request, response) => {
        received.push(["elsewhere", request.headers.authorization !== undefined]);
        response.end();
      });
    });
    const { getToken } = stage.source();
    const tokenEndpoint = `${api.origin}/oauth/token`;
    await using app = await openApp(framework, (app) => {
      app.use(talkdesk({ api: api.origin, tokenEndpoint, getToken }));
      app.get(
        "/",
        passing(async ({ talkdesk: { fetch } }, response) => {
          for (const url of [elsewhere.origin, tokenEndpoint, "/contacts"]) await fetch(url);
          response.end();
        }),
      );
    });
    await app.ask("/");
    expect(received).toEqual([
      ["elsewhere", false],
      ["/oauth/token", false],
      ["/contacts", true],
    ]);
    expect(app.errors).toEqual([]);
  });

  it("asks nobody for a token before a handler does", async () => {
    let asked = 0;
    await using app = await openApp(framework, (app) => {
      app.use(talkdesk(stage.source()));
      app.use(
        talkdesk(() => {
          asked += 1;
          return stage.source();
        }),
      );
      app.get("/", ({ talkdesk: { source, getToken, fetch } }, response) => {
        response.json([source.api, typeof getToken, typeof fetch]);
      });
    });
    const answer = await app.ask("/");
    expect(JSON.parse(answer.text)).toEqual([stage.talkdesk.endpoints().api, "function", "function"]);
    expect(asked).toBe(1);
    expect(stage.talkdesk.requests.all).toEqual([]);
  });

  it("has twenty requests at once share one token request", async () => {
    await using app = await openApp(framework, (app) => {
      app.use(talkdesk(stage.source()));
      app.get("/contacts", contacts);
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.ask("/contacts")));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect([requestsTo("token"), requestsTo("api")]).toEqual([1, 20]);
  });

  it("serves handlers in routers and in apps within the app", async () => {
    await using app = await openApp(framework, (app) => {
      const router = Router();
      const inner = framework();
      router.get("/contacts", contacts);
      inner.get("/contacts", contacts);
      app.use(talkdesk(stage.source()));
      app.use("/router", router);
      app.use("/app", inner);
    });
    expect((await app.ask("/router/contacts")).status).toBe(200);
    expect((await app.ask("/app/contacts")).status).toBe(200);
  });
});

describe("talkdesk()", () => {
  it.each([
    ["nothing", undefined],
    ["null", null],
    ["an object", {}],
    ["a text", "source"],
    ["a number", 1],
    ["a promise", Promise.resolve()],
    ["a source without an API", { getToken: async () => {} }],
    ["a source whose API is no address", { api: "api", getToken: async () => {} }],
    ["a source whose API is not secure", { api: "http://api.example.com", getToken: async () => {} }],
  ])("throws a TypeError at once for %s", (_what, source) => {
    expect(() => talkdesk(source as TokenSource)).toThrow(TypeError);
  });

  it("throws a TypeError at once for a login, and says what is meant", () => {
    const login = talkdeskLogin({
      client: stage.client(),
      redirectUri: "https://app.example.com/auth/callback",
      store: memoryStore(),
      contact: "help@example.com",
    });
    expect(() => talkdesk(login as unknown as SourceOfRequest)).toThrow(
      new TypeError("talkdesk() needs login.source; login itself is for the routes of the login."),
    );
    expect(talkdesk(login.source)).toBeTypeOf("function");
  });

  it("passes a source's own error on, as it is", async () => {
    const [[, framework]] = frameworks as [(typeof frameworks)[number]];
    const source = stage.source();
    await source.close();
    await using app = await openApp(framework, (app) => {
      app.use(talkdesk(source));
      app.get("/contacts", contacts);
    });
    await app.ask("/contacts");
    expect(app.errors.map((error) => isTalkdeskError(error) && error.code)).toEqual(["source_closed"]);
  });
});
