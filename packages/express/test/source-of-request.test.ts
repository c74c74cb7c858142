import type { TokenSource } from "@talkdesk-oauth/core";
import { type SourceOfRequest, talkdesk } from "@talkdesk-oauth/express";
import { describe, expect, it } from "vitest";
import { openApp, signalled } from "./support/app.js";
import { frameworks } from "./support/served.js";

describe.each(frameworks)("talkdesk() with a function in %s", (_name, framework) => {
  /** Whose tokens a request gets, when one function follows the other. */
  const apiOf = async (...functions: readonly (TokenSource | SourceOfRequest)[]): Promise<unknown> => {
    await using app = await openApp(framework, (app) => {
      for (const source of functions) app.use(talkdesk(source as SourceOfRequest));
      app.use((request, response) => {
        response.json([request.talkdesk?.source.api ?? null, "talkdesk" in request]);
      });
    });
    return JSON.parse((await app.ask("/")).text);
  };
  const one: TokenSource = { api: "https://one.example.com", getToken: async () => Promise.reject() };
  const other: TokenSource = { ...one, api: "https://other.example.com" };

  it("uses the source that the function returns or resolves to", async () => {
    expect(await apiOf(() => one)).toEqual([one.api, true]);
    expect(await apiOf(async () => one)).toEqual([one.api, true]);
    // biome-ignore lint/suspicious/noThenProperty: what promises of other makes look like
    const promise = { then: (resolve: (source: TokenSource) => void) => resolve(one) };
    expect(await apiOf(() => promise as unknown as Promise<TokenSource>)).toEqual([one.api, true]);
    expect(await apiOf(one, () => other)).toEqual([other.api, true]);
  });

  it("sets no tokens when the function gives undefined, also after an earlier talkdesk()", async () => {
    for (const nobody of [() => undefined, async () => undefined]) {
      expect(await apiOf(nobody)).toEqual([null, true]);
      expect(await apiOf(one, nobody)).toEqual([null, true]);
      expect(await apiOf(() => one, nobody)).toEqual([null, true]);
    }
  });

  it("chooses the tenant's source by the request", async () => {
    const sources: Record<string, TokenSource> = { one, other };
    const overtaken = signalled();
    await using app = await openApp(framework, (app) => {
      app.use(
        talkdesk(async (request) => {
          if (request.query["tenant"] === "one") await overtaken.given;
          else overtaken.give();
          return sources[String(request.query["tenant"])];
        }),
      );
      app.use((request, response) => void response.json(request.talkdesk?.source.api ?? null));
    });
    const tenants = ["one", "other", "nobody", "one", "other"];
    const answers = await Promise.all(tenants.map((tenant) => app.ask(`/?tenant=${tenant}`)));
    expect(answers.map(({ text }) => JSON.parse(text))).toEqual([
      one.api,
      other.api,
      null,
      one.api,
      other.api,
    ]);
  });

  /** What the app's error handler gets, and whether a handler ran or another route was taken. */
  const failureOf = async (source: () => unknown): Promise<{ errors: unknown[]; ran: string[] }> => {
    const ran: string[] = [];
    await using app = await openApp(framework, (app) => {
      app.get("/", talkdesk(one), talkdesk(source as SourceOfRequest), (_request, response) => {
        ran.push("handler");
        response.end();
      });
      app.get("/", (request, response) => {
        ran.push(`next route, ${request.talkdesk ? "with" : "without"} tokens`);
        response.end();
      });
    });
    expect((await app.ask("/")).status).toBe(500);
    return { errors: app.errors, ran };
  };

  it("passes errors of the function to the error handler", async () => {
    const error = new Error("whose?");
    const thrown = await failureOf(() => {
      throw error;
    });
    const rejected = await failureOf(() => Promise.reject(error));
    for (const { errors, ran } of [thrown, rejected]) {
      expect(errors).toHaveLength(1);
      expect(errors[0]).toBe(error);
      expect(ran).toEqual([]);
    }
  });

  it.each([[undefined], [null], ["route"], ["router"], [""], [0], [false], ["a text"]])(
    "fails when %j is thrown, which Express would not take for an error",
    async (value) => {
      const thrown = await failureOf(() => {
        throw value;
      });
      const rejected = await failureOf(() => Promise.reject(value));
      for (const { errors, ran } of [thrown, rejected]) {
        expect(errors).toEqual([expect.any(Error)]);
        expect((errors[0] as Error).cause).toBe(value);
        expect(ran).toEqual([]);
      }
    },
  );

  it.each([
    ["null", null],
    ["an object", {}],
    ["a text", "one"],
    ["a function", () => one],
    ["a source without an API", { getToken: async () => {} }],
    ["false", false],
  ])("fails with a TypeError when it gives %s", async (_what, value) => {
    for (const give of [() => value, async () => value]) {
      const { errors, ran } = await failureOf(give);
      expect(errors).toEqual([expect.any(TypeError)]);
      expect(String(errors[0])).toMatch(
        /function given to talkdesk\(\).*undefined when no user is signed in/,
      );
      expect(ran).toEqual([]);
    }
  });

  it("rejects calls, and does not throw, when the API address may not have tokens", async () => {
    const ends: unknown[] = [];
    await using app = await openApp(framework, (app) => {
      app.use(talkdesk(() => ({ ...one, api: "http://api.example.com" })));
      app.use(({ talkdesk: { fetch } }, response) => {
        fetch("/contacts")
          .catch((error: unknown) => ends.push(error))
          .finally(() => response.end());
      });
    });
    expect((await app.ask("/")).status).toBe(200);
    expect(ends).toEqual([expect.any(TypeError)]);
  });

  it("runs the handler once, and passes what it throws to the app's error handler only", async () => {
    let runs = 0;
    await using app = await openApp(framework, (app) => {
      app.use(talkdesk(async () => one));
      app.use(() => {
        runs += 1;
        throw new Error("of the handler");
      });
    });
    await app.ask("/");
    expect(runs).toBe(1);
    expect(app.errors).toEqual([expect.objectContaining({ message: "of the handler" })]);
  });
});
