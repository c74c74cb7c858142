import * as undici from "undici";
import { describe, expect, it } from "vitest";
import { type AuthorizedStage, setStage } from "./support/authorized-stage.js";

type Input = Parameters<typeof fetch>[0];

/** A subclass of Request whose members differ from what `fetch` reads. */
function misleading(says: object, ...made: ConstructorParameters<typeof Request>): Request {
  class Misleading extends Request {}
  for (const [name, value] of Object.entries(says)) {
    Object.defineProperty(Misleading.prototype, name, { get: () => value });
  }
  return new Misleading(...made);
}

const tokensOf = ({ apiRequests }: AuthorizedStage): unknown[] =>
  apiRequests.filter(({ headers }) => headers["authorization"] !== undefined);

describe("an input that names two URLs", () => {
  it("goes to the URL of its toString, without a token", async () => {
    await using stage = await setStage();
    const input = { url: `${stage.api}/users`, toString: () => `${stage.otherApi}/users` };
    expect((await stage.fetch(input as unknown as Input)).status).toBe(401);
    expect(stage.apiRequests).toMatchObject([{ region: "eu", url: "/users" }]);
    expect(stage.apiRequests[0]?.headers).not.toHaveProperty("authorization");
    expect(stage.tokenRequests).toBe(0);
  });

  it("goes to where its toString led when the call was made", async () => {
    await using stage = await setStage();
    let asked = 0;
    const input = { toString: () => `${asked++ === 0 ? stage.api : stage.otherApi}/echo` };
    expect((await stage.fetch(input as unknown as Input)).status).toBe(200);
    expect(stage.apiRequests).toMatchObject([{ region: "us" }]);
  });

  it.each<[string, (api: string) => unknown]>([
    ["an object with a url", (url) => ({ url })],
    ["a Request of another library", (url) => new undici.Request(url)],
    ["what only calls itself a Request", (url) => ({ [Symbol.toStringTag]: "Request", url })],
  ])("is a TypeError when fetch could make no URL of it: %s", async (_, make) => {
    await using stage = await setStage();
    await expect(stage.fetch(make(stage.api) as Input)).rejects.toThrow(TypeError);
    expect(stage.talkdesk.requests.all).toEqual([]);
  });

  it.each(["us", "eu"] as const)(
    "goes where fetch itself sends it when a subclass shows another url, with a token only to the gateway: %s",
    async (region) => {
      await using stage = await setStage();
      const [real, shown] = region === "us" ? [stage.api, stage.otherApi] : [stage.otherApi, stage.api];
      const make = (): Request => misleading({ url: `${shown}/users` }, `${real}/users`);
      await (await fetch(make())).text();
      await (await stage.fetch(make())).text();
      const [bare, authorized] = stage.apiRequests;
      expect(authorized?.region).toBe(bare?.region);
      expect(tokensOf(stage)).toEqual(bare?.region === "us" ? [authorized] : []);
    },
  );

  /** A Request whose url is the gateway's when it is first read, and another one's after that. */
  function changing({ api, otherApi }: AuthorizedStage): Request {
    let reads = 0;
    const request = new Request(`${api}/users`);
    Object.defineProperty(request, "url", { get: () => `${reads++ === 0 ? api : otherApi}/users` });
    return request;
  }

  it.each<[name: string, beneath: typeof fetch | undefined]>([
    ["the global fetch", undefined],
    ["a custom fetch that reads it", (input, init) => fetch((input as Request).url, init)],
  ])("has no token where its url changes between two reads, with %s", async (_, beneath) => {
    await using stage = await setStage(beneath);
    expect((await stage.fetch(changing(stage))).status).toBe(200);
    expect(stage.apiRequests).toMatchObject([{ region: "us" }]);
  });

  it("has no token where its url changes during the wait for a token", async () => {
    await using stage = await setStage();
    const request = new Request(`${stage.api}/users`);
    const call = stage.fetch(request);
    Object.defineProperty(request, "url", { value: `${stage.otherApi}/users` });
    expect((await call).status).toBe(200);
    expect(stage.apiRequests).toMatchObject([{ region: "us" }]);
  });

  it("has no token for another origin that a Proxy hides", async () => {
    await using stage = await setStage();
    const url = `${stage.api}/users`;
    const request = new Proxy(new Request(`${stage.otherApi}/users`), {
      get: (target, name) => (name === "url" ? url : Reflect.get(target, name, target)),
    });
    // Some runtimes take no Proxy.
    await stage.fetch(request).catch(() => {});
    expect(tokensOf(stage).filter((sent) => (sent as { region: string }).region !== "us")).toEqual([]);
  });

  it("keeps the options of a Request that it copies", async () => {
    await using stage = await setStage();
    stage.talkdesk.faults.add({ at: "api", respond: { status: 307, headers: { location: "/users" } } });
    class Own extends Request {}
    const giveUp = new AbortController();
    const request = new Own(`${stage.api}/orders`, {
      method: "POST",
      headers: { "x-a": "1" },
      body: "one order",
      redirect: "manual",
      signal: giveUp.signal,
    });
    expect((await stage.fetch(request)).status).toBe(307);
    expect(stage.apiRequests).toMatchObject([
      { method: "POST", url: "/orders", headers: { "x-a": "1" }, text: "one order" },
    ]);
    giveUp.abort(new Error("ended"));
    await expect(stage.fetch(new Own(`${stage.api}/users`, { signal: giveUp.signal }))).rejects.toThrow(
      "ended",
    );
  });

  it("keeps the Authorization of a Request whose subclass overrides headers", async () => {
    await using stage = await setStage();
    const says = { headers: new Headers() };
    const headers = { authorization: "Bearer mine" };
    expect((await stage.fetch(misleading(says, `${stage.api}/users`, { headers }))).status).toBe(401);
    expect(stage.apiRequests.map((request) => request.headers["authorization"])).toEqual(["Bearer mine"]);
  });

  it("is not sent again when it is a POST whose subclass overrides method", async () => {
    await using stage = await setStage();
    stage.talkdesk.faults.add({
      at: "api",
      match: { path: "/orders" },
      times: 2,
      respond: { status: 307, headers: { location: "/echo?status=401" } },
    });
    const says = { method: "GET" };
    const request = misleading(says, `${stage.api}/orders`, { method: "POST", body: "one order" });
    expect((await stage.fetch(request)).status).toBe(401);
    expect(stage.apiRequests.map(({ url }) => url)).toEqual(["/orders", "/echo?status=401"]);
  });
});

describe("options that are read", () => {
  it("may be getters of a class", async () => {
    await using stage = await setStage();
    class Options {
      get method(): string {
        return "PUT";
      }
      get headers(): Record<string, string> {
        return { "x-a": "1" };
      }
      get body(): string {
        return "Zoë";
      }
    }
    expect((await stage.fetch("/echo", new Options())).status).toBe(200);
    expect(stage.apiRequests).toMatchObject([{ method: "PUT", text: "Zoë", headers: { "x-a": "1" } }]);
  });

  it("may be inherited", async () => {
    await using stage = await setStage();
    const defaults = { method: "PUT", headers: { "x-a": "1" } };
    const options: RequestInit = Object.assign(Object.create(defaults), { body: "b" });
    expect((await stage.fetch("/echo", options)).status).toBe(200);
    expect(stage.apiRequests).toMatchObject([{ method: "PUT", text: "b", headers: { "x-a": "1" } }]);
  });

  it("are read once", async () => {
    await using stage = await setStage();
    await stage.useRefusedToken();
    const reads = { headers: 0, method: 0, body: 0 };
    const options: RequestInit = {
      get headers() {
        return { "x-a": String(++reads.headers) };
      },
      get method() {
        return ++reads.method === 1 ? "PUT" : "DELETE";
      },
      get body() {
        return String(++reads.body);
      },
    };
    expect((await stage.fetch("/echo", options)).status).toBe(200);
    expect(reads).toEqual({ headers: 1, method: 1, body: 1 });
    const sent = { method: "PUT", text: "1", headers: { "x-a": "1" } };
    expect(stage.apiRequests).toMatchObject([sent, sent]);
  });

  it("are read before the body of a Request is", async () => {
    await using stage = await setStage();
    const request = new Request(`${stage.api}/echo`, { method: "POST", body: "a" });
    const options: RequestInit = { method: "PUT", headers: { "x-a": "1" } };
    const call = stage.fetch(request, options);
    options.method = "DELETE";
    options.headers = { "x-a": "2" };
    expect((await call).status).toBe(200);
    expect(stage.apiRequests).toMatchObject([{ method: "PUT", headers: { "x-a": "1" } }]);
  });
});

it("takes the Request of the fetch that it was given, and sends it again", async () => {
  await using stage = await setStage(undici.fetch as unknown as typeof fetch);
  await stage.useRefusedToken();
  const request = new undici.Request(`${stage.api}/echo`, { method: "POST", body: "of undici" });
  expect((await stage.fetch(request as unknown as Request)).status).toBe(200);
  expect(stage.apiRequests.map(({ text }) => text)).toEqual(["of undici", "of undici"]);
});

it("gives no foreign Request a token that its toString would take elsewhere", async () => {
  const seen: unknown[] = [];
  await using stage = await setStage(async (...call) => {
    seen.push(call);
    return new Response();
  });
  const input = {
    [Symbol.toStringTag]: "Request",
    url: `${stage.api}/users`,
    headers: {},
    toString: () => "https://example.com/users",
  };
  await stage.fetch(input as unknown as Input);
  expect(seen).toEqual([["https://example.com/users", undefined]]);
  expect(stage.tokenRequests).toBe(0);
});
