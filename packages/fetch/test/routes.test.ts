import { accessToken, type TokenSource } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import {
  Agent,
  BalancedPool,
  type Dispatcher,
  EnvHttpProxyAgent,
  getGlobalDispatcher,
  MockAgent,
  Pool,
  ProxyAgent,
  setGlobalDispatcher,
} from "undici";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { setStage } from "./support/authorized-stage.js";

const NOWHERE = "http://127.0.0.1:9";
const https = "https://api.talkdeskapp.com";
const loopback = "http://127.0.0.1:49152";

/** Counts the calls of the source and of the fetch beneath. */
function client(api: string): { send: typeof fetch; asked: () => number; sent: () => number } {
  let asked = 0;
  let sent = 0;
  const source: TokenSource = {
    api,
    async getToken() {
      asked += 1;
      return accessToken({ value: "any", expiresAt: Date.now() + 60_000 });
    },
  };
  const beneath = async (): Promise<Response> => {
    sent += 1;
    return new Response();
  };
  return { send: talkdeskFetch(source, { fetch: beneath }), asked: () => asked, sent: () => sent };
}

const original = getGlobalDispatcher();
afterEach(() => {
  setGlobalDispatcher(original);
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

describe("a route that is not what the URL says", () => {
  const routes: readonly [name: string, api: string, option: () => object][] = [
    ["a Pool of another origin", https, () => ({ dispatcher: new Pool("https://example.com") })],
    [
      "a Pool of the same host in the clear",
      https,
      () => ({ dispatcher: new Pool("http://api.talkdeskapp.com") }),
    ],
    [
      "a BalancedPool with another origin",
      https,
      () => ({ dispatcher: new BalancedPool([https, "https://example.com"]) }),
    ],
    ["an Agent on a socket", https, () => ({ dispatcher: new Agent({ connect: { socketPath: "/run/a" } }) })],
    ["a Pool on a socket", https, () => ({ dispatcher: new Pool(https, { socketPath: "/run/a" }) })],
    ["Bun's option unix", https, () => ({ unix: "/run/a" })],
    ["a proxy, for a gateway in the clear", loopback, () => ({ dispatcher: new ProxyAgent(NOWHERE) })],
    [
      "a custom proxy agent, for a gateway over plain http",
      loopback,
      () => ({ dispatcher: new (class extends ProxyAgent {})(NOWHERE) }),
    ],
    ["Bun's option proxy, for a gateway in the clear", loopback, () => ({ proxy: NOWHERE })],
  ];

  it.each(routes)("is refused, before a token is asked for: %s", async (_, api, option) => {
    const { send, asked, sent } = client(api);
    await expect(send("/users", option())).rejects.toThrow(/would go .* so it may not have a token/);
    expect([asked(), sent()]).toEqual([0, 0]);
  });

  it.each(routes)(
    "is left alone for a request with an Authorization of its own: %s",
    async (_, api, option) => {
      const { send, sent } = client(api);
      await send("/users", { ...option(), headers: { authorization: "Bearer mine" } });
      expect(sent()).toBe(1);
    },
  );

  it("is refused when the global dispatcher takes it", async () => {
    await using stage = await setStage();
    setGlobalDispatcher(new ProxyAgent(NOWHERE));
    await expect(stage.fetch("/users")).rejects.toThrow("the global dispatcher");
    setGlobalDispatcher(new Pool(NOWHERE));
    await expect(stage.fetch("/users")).rejects.toThrow(NOWHERE);
    expect(stage.tokenRequests).toBe(0);
  });

  // undici 8 keeps one for its own fetch and one for Node's.
  it.each([1, 2])("is refused when the global dispatcher of version %i alone takes it", async (version) => {
    const symbols = [1, 2].map((each) => Symbol.for(`undici.globalDispatcher.${each}`));
    const earlier = symbols.map((symbol) => Reflect.get(globalThis, symbol) as unknown);
    for (const symbol of symbols) Reflect.set(globalThis, symbol, undefined);
    Reflect.set(globalThis, symbols[version - 1] ?? "", new Pool(NOWHERE));
    try {
      const { send } = client(loopback);
      await expect(send("/users")).rejects.toThrow(NOWHERE);
    } finally {
      for (const [index, symbol] of symbols.entries()) Reflect.set(globalThis, symbol, earlier[index]);
    }
  });

  it("is refused when the environment names a proxy for it", async () => {
    vi.stubEnv("HTTP_PROXY", NOWHERE);
    vi.stubEnv("NO_PROXY", "example.com");
    const { send } = client(loopback);
    await expect(send("/users", { dispatcher: new EnvHttpProxyAgent() } as object)).rejects.toThrow(
      "NO_PROXY",
    );
  });
});

const VARIABLES = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

/** Sets these variables of proxies, and removes all others. */
function setProxyVariables(variables: Readonly<Record<string, string>>): void {
  for (const name of VARIABLES) vi.stubEnv(name, variables[name]);
}

it("is refused when an EnvHttpProxyAgent has its proxy by an option", async () => {
  setProxyVariables({});
  const { send } = client(loopback);
  const dispatcher = new EnvHttpProxyAgent({ httpProxy: NOWHERE });
  await expect(send("/users", { dispatcher } as object)).rejects.toThrow("NO_PROXY");
});

describe.each(["Bun", "Deno"])("a proxy that the environment names in %s", (runtime) => {
  const other = runtime === "Bun" ? "Deno" : "Bun";

  beforeEach(() => {
    if (!(runtime in globalThis)) vi.stubGlobal(runtime, {});
  });

  // A suite that runs in the one cannot tell of the other.
  describe.skipIf(other in globalThis)("for a gateway over plain http", () => {
    it.each([
      [{ HTTP_PROXY: NOWHERE }],
      [{ http_proxy: NOWHERE, HTTP_PROXY: "" }],
      [{ http_proxy: "", HTTP_PROXY: NOWHERE }],
      [{ ALL_PROXY: NOWHERE }],
      [{ all_proxy: NOWHERE }],
      [{ HTTP_PROXY: NOWHERE, NO_PROXY: "example.com" }],
    ])("is refused: %j", async (variables) => {
      setProxyVariables(variables);
      const { send, asked } = client(loopback);
      await expect(send("/users")).rejects.toThrow("in the clear through the proxy of HTTP_PROXY");
      expect(asked()).toBe(0);
    });

    it("does no harm when NO_PROXY names the host", async () => {
      setProxyVariables({ HTTP_PROXY: NOWHERE, NO_PROXY: "example.com, 127.0.0.1" });
      await client(loopback).send("/users");
    });

    it.each(["*", "127.0.0.1:49152", "example.com 127.0.0.1"])(
      "is excepted by NO_PROXY as the runtime reads it: %s",
      async (exceptions) => {
        setProxyVariables({ HTTP_PROXY: NOWHERE, NO_PROXY: exceptions });
        const call = client(loopback).send("/users");
        if (runtime === "Deno") await expect(call).rejects.toThrow("NO_PROXY");
        else await call;
      },
    );
  });

  it("is left alone for https", async () => {
    setProxyVariables({ HTTP_PROXY: NOWHERE, ALL_PROXY: NOWHERE });
    const { send, asked } = client(https);
    await send("/users");
    expect(asked()).toBe(1);
  });
});

describe("a route that is what the URL says", () => {
  it.each<[name: string, api: string, option: () => object]>([
    ["an Agent", https, () => ({ dispatcher: new Agent() })],
    ["a Pool of the gateway", https, () => ({ dispatcher: new Pool(https) })],
    ["a Pool of a gateway in the clear", loopback, () => ({ dispatcher: new Pool(loopback) })],
    ["a BalancedPool of the gateway", https, () => ({ dispatcher: new BalancedPool(https) })],
    ["a proxy, through which https tunnels", https, () => ({ dispatcher: new ProxyAgent(NOWHERE) })],
    ["Bun's option proxy, through which https tunnels", https, () => ({ proxy: NOWHERE })],
    ["a MockAgent", https, () => ({ dispatcher: new MockAgent() })],
    ["a dispatcher of the user's own", https, () => ({ dispatcher: { dispatch() {} } })],
    [
      "a dispatcher that keeps something else as its url",
      https,
      () => ({ dispatcher: { dispatch() {}, [Symbol("url")]: "any" } }),
    ],
    ["a dispatcher without a prototype", https, () => ({ dispatcher: Object.create(null) as Dispatcher })],
  ])("has the token: %s", async (_, api, option) => {
    const { send, asked, sent } = client(api);
    await send("/users", option());
    expect([asked(), sent()]).toEqual([1, 1]);
  });

  it.each([
    ["HTTP_PROXY is not set", "", ""],
    ["NO_PROXY names the host", NOWHERE, "example.com, 127.0.0.1"],
    ["NO_PROXY names host and port", NOWHERE, "127.0.0.1:49152"],
    ["NO_PROXY names all", NOWHERE, "*"],
  ])("has the token where %s", async (_, proxy, exceptions) => {
    for (const name of ["HTTP_PROXY", "http_proxy"]) vi.stubEnv(name, proxy);
    for (const name of ["NO_PROXY", "no_proxy"]) vi.stubEnv(name, exceptions);
    const { send, asked } = client(loopback);
    await send("/users", { dispatcher: new EnvHttpProxyAgent() } as object);
    expect(asked()).toBe(1);
  });
});
