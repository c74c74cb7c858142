import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { clientCredentials, clientSecretBasic, type TokenSource, talkdeskClient } from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { talkdeskUndici } from "@talkdesk-oauth/undici";
import { Agent, type Dispatcher, interceptors, Pool, request, fetch as undiciFetch } from "undici";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let talkdesk: Emulator;
let source: TokenSource;
let api: string;
const dispatchers: Dispatcher[] = [];
const servers: Server[] = [];

beforeEach(async () => {
  talkdesk = await startEmulator();
  const { clientId, clientSecret } = talkdesk.clients.get();
  const endpoints = talkdesk.endpoints();
  api = endpoints.api;
  source = clientCredentials(
    talkdeskClient({ endpoints, authentication: clientSecretBasic({ clientId, clientSecret }) }),
  );
});

afterEach(async () => {
  await Promise.all(dispatchers.splice(0).map((dispatcher) => dispatcher.destroy()));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await talkdesk.stop();
});

function authorized(
  options: Agent.Options = {},
  ...others: Dispatcher.DispatcherComposeInterceptor[]
): Dispatcher {
  const agent = new Agent(options);
  dispatchers.push(agent);
  return agent.compose(talkdeskUndici(source), ...others);
}

/** Starts a server, and makes a source for it. */
async function startServer(
  listener: Parameters<typeof createServer>[1],
): Promise<{ origin: string; dispatcher: Dispatcher }> {
  const server = createServer(listener ?? (() => {})).listen(0, "127.0.0.1");
  servers.push(server);
  await new Promise((resolve) => server.once("listening", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const agent = new Agent();
  dispatchers.push(agent);
  return { origin, dispatcher: agent.compose(talkdeskUndici(source, { origins: [origin] })) };
}

const authorizations = (): string[][] =>
  talkdesk.requests
    .to("api")
    .map(({ rawHeaders }) =>
      rawHeaders.filter(
        (_, index) => index % 2 === 1 && /^authorization$/i.test(rawHeaders[index - 1] ?? ""),
      ),
    );

describe("headers", () => {
  const shapes: Record<string, () => Dispatcher.DispatchOptions["headers"]> = {
    "no headers": () => null,
    "a flat list": () => ["x-one", "1", "x-two", "2"],
    "a record": () => ({ "x-one": "1", "x-two": "2" }),
    "a list of pairs": () =>
      [
        ["x-one", "1"],
        ["x-two", "2"],
      ] as unknown as string[],
    "a Headers": () => new Headers({ "x-one": "1", "x-two": "2" }),
    "a generator": () =>
      (function* () {
        yield ["x-one", "1"] as [string, string];
        yield ["x-two", "2"] as [string, string];
      })(),
  };

  it.each(Object.keys(shapes))(
    "sends the token once beside %s, also when it is sent again",
    async (shape) => {
      const dispatcher = authorized();
      await source.getToken();
      talkdesk.faults.revokeTokens();
      const { statusCode, body } = await request(`${api}/echo`, {
        dispatcher,
        headers: shapes[shape]?.() ?? null,
      });
      const echoed = (await body.json()) as { headers: Record<string, string> };
      expect(statusCode).toBe(200);
      expect(authorizations().map((values) => values.length)).toEqual([1, 1]);
      if (shape !== "no headers") expect(echoed.headers).toMatchObject({ "x-one": "1", "x-two": "2" });
    },
  );

  it.each(["Authorization", "authorization", "AUTHORIZATION"])(
    "leaves an %s of the caller's own alone",
    async (name) => {
      const { statusCode, body } = await request(`${api}/echo`, {
        dispatcher: authorized(),
        headers: [name, "Bearer of-the-caller"],
      });
      await body.dump();
      expect(statusCode).toBe(401);
      expect(authorizations()).toEqual([["Bearer of-the-caller"]]);
      expect(talkdesk.requests.to("token")).toEqual([]);
    },
  );

  it("leaves an empty Authorization alone too, and takes one that is undefined for none", async () => {
    const dispatcher = authorized();
    for (const value of ["", undefined]) {
      const headers = { Authorization: value } as Record<string, string>;
      const { body } = await request(`${api}/echo`, { dispatcher, headers });
      await body.dump();
    }
    const { authorization } = await source.getToken();
    expect(authorizations()).toEqual([[""], [authorization]]);
  });

  it("hands over headers of which there are several", async () => {
    const { origin, dispatcher } = await startServer((_request, response) => {
      response.setHeader("set-cookie", ["a=1", "b=2"]).end();
    });
    const { headers, body } = await request(origin, { dispatcher });
    await body.dump();
    expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  });

  it("hands over raw headers when they are asked for", async () => {
    const { headers, body } = await request(`${api}/echo`, {
      dispatcher: authorized(),
      responseHeaders: "raw",
    });
    await body.dump();
    // The types allow no lists in a flat list.
    expect((headers as unknown as string[]).map((name) => name.toLowerCase())).toContain("content-type");
  });
});

describe("bodies", () => {
  it("sends a refused list of buffers again", async () => {
    await source.getToken();
    talkdesk.faults.revokeTokens();
    const { statusCode, body } = await request(`${api}/echo`, {
      dispatcher: authorized(),
      method: "POST",
      body: [Buffer.from("one "), Buffer.from("two")] as unknown as string,
    });
    expect(statusCode).toBe(200);
    expect(await body.json()).toMatchObject({ bodyBytes: 7 });
  });

  it("sends a refused generator once, whole", async () => {
    await source.getToken();
    talkdesk.faults.revokeTokens();
    const once = (function* () {
      yield Buffer.from("one");
    })();
    const { statusCode, body } = await request(`${api}/echo`, {
      dispatcher: authorized(),
      method: "POST",
      body: once as unknown as string,
    });
    await body.dump();
    expect(statusCode).toBe(401);
    expect(talkdesk.requests.to("api").map(({ text }) => text)).toEqual(["one"]);
    await source.getToken();
    expect(talkdesk.requests.to("token")).toHaveLength(2);
  });
});

describe("a refused response", () => {
  const long = "x".repeat(300_000);

  it("is handed over whole, however long, when there is no other token", async () => {
    await source.getToken();
    talkdesk.faults.add({ at: "api", respond: { status: 401, body: long } });
    talkdesk.faults.add({ at: "token", respond: { status: 400, body: '{"error":"invalid_scope"}' } });
    const { statusCode, body } = await request(`${api}/echo`, { dispatcher: authorized() });
    expect(statusCode).toBe(401);
    expect(await body.text()).toBe(long);
  });

  it("leaves a pool of one connection usable, however long", async () => {
    const dispatcher = authorized({ connections: 1, pipelining: 1 });
    talkdesk.faults.add({ at: "api", respond: { status: 401, body: long } });
    const answers = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const { statusCode, body } = await request(`${api}/echo`, { dispatcher });
        await body.dump();
        return statusCode;
      }),
    );
    expect(answers).toEqual([200, 200, 200, 200, 200]);
  });

  it("keeps its connection when it is short", async () => {
    const dispatcher = authorized({ connections: 1, pipelining: 1 });
    await source.getToken();
    talkdesk.faults.revokeTokens();
    const { body } = await request(`${api}/echo`, { dispatcher });
    await body.dump();
    expect(new Set(talkdesk.requests.to("api").map(({ connection }) => connection)).size).toBe(1);
  });

  it("is passed on when its connection breaks", async () => {
    talkdesk.faults.add({ at: "api", reset: "before" });
    await expect(request(`${api}/echo`, { dispatcher: authorized() })).rejects.toMatchObject({
      code: "ECONNRESET",
    });
    const { statusCode, body } = await request(`${api}/echo`, { dispatcher: authorized() });
    await body.dump();
    expect(statusCode).toBe(200);
    expect(talkdesk.requests.to("token")).toHaveLength(1);
  });
});

describe("other kinds of requests", () => {
  it("hands over informational responses before the answer", async () => {
    const { origin, dispatcher } = await startServer((_request, response) => {
      response.writeEarlyHints({ link: "</style.css>; rel=preload" }, () => response.end("after"));
    });
    const seen: number[] = [];
    const { statusCode, body } = await request(origin, {
      dispatcher,
      onInfo: ({ statusCode: status }) => seen.push(status),
    });
    expect([statusCode, await body.text(), seen]).toEqual([200, "after", [103]]);
  });

  it("upgrades with a token", async () => {
    const { origin, dispatcher } = await startServer(undefined);
    let authorization: string | undefined;
    servers[0]?.on("upgrade", ({ headers }, socket) => {
      authorization = headers.authorization;
      socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    });
    const { socket } = await dispatcher.upgrade({
      origin,
      path: "/",
      protocol: "echo",
    } as Dispatcher.UpgradeOptions);
    socket.destroy();
    expect(authorization).toBe((await source.getToken()).authorization);
  });

  it("passes CONNECT on untouched", async () => {
    const { origin, dispatcher } = await startServer(undefined);
    let headers: Record<string, unknown> = {};
    servers[0]?.on("connect", (incoming, socket) => {
      headers = incoming.headers;
      socket.end("HTTP/1.1 200 OK\r\n\r\n");
    });
    const { socket } = await dispatcher.connect({ origin, path: "example.com:443" });
    socket.destroy();
    expect(headers).not.toHaveProperty("authorization");
    expect(talkdesk.requests.to("token")).toEqual([]);
  });

  it("refuses a request that names no origin", async () => {
    const pool = new Pool(api);
    dispatchers.push(pool);
    const dispatcher = pool.compose(talkdeskUndici(source));
    await expect(
      dispatcher.request({ path: "/echo", method: "GET" } as Dispatcher.RequestOptions),
    ).rejects.toThrow(/names no origin: compose over an Agent/);
    const { statusCode, body } = await request(`${api}/echo`, { dispatcher });
    await body.dump();
    expect(statusCode).toBe(200);
  });
});

describe("beside other interceptors", () => {
  it("retries with a fresh token when one outside retries", async () => {
    const dispatcher = authorized({}, interceptors.retry({ minTimeout: 1, maxRetries: 2 }));
    talkdesk.faults.add({ at: "api", respond: { status: 503, body: "" } });
    await source.getToken();
    talkdesk.faults.revokeTokens();
    const { statusCode, body } = await request(`${api}/echo`, { dispatcher });
    await body.dump();
    expect(statusCode).toBe(200);
    expect(talkdesk.requests.to("api").map(({ status }) => status)).toEqual([503, 401, 200]);
    expect(talkdesk.requests.to("token")).toHaveLength(2);
  });

  it("recognises a host by the name that TLS verifies, when dns outside has replaced it with an address", () => {
    const sent: Dispatcher.DispatchOptions[] = [];
    const known: TokenSource = { api: "https://api.talkdeskapp.com", getToken: () => new Promise(() => {}) };
    const dispatch = talkdeskUndici(known)((options) => {
      sent.push(options);
      return true;
    });
    const toAddress = { path: "/", method: "GET", origin: "https://192.0.2.1" } as const;
    dispatch({ ...toAddress, servername: "api.talkdeskapp.com" } as Dispatcher.DispatchOptions, {});
    expect(sent).toEqual([]);
    dispatch({ ...toAddress, servername: "elsewhere.example" } as Dispatcher.DispatchOptions, {});
    dispatch(
      {
        ...toAddress,
        origin: "http://192.0.2.1",
        servername: "api.talkdeskapp.com",
      } as Dispatcher.DispatchOptions,
      {},
    );
    dispatch(toAddress, {});
    expect(sent).toHaveLength(3);
  });

  it("adds one token when it is composed twice", async () => {
    const dispatcher = authorized({}, talkdeskUndici(source));
    const { statusCode, body } = await request(`${api}/echo`, { dispatcher });
    await body.dump();
    expect(statusCode).toBe(200);
    expect(authorizations().map((values) => values.length)).toEqual([1]);
  });
});

describe("the handler of the client", () => {
  const quiet = { onResponseStart() {}, onResponseData() {}, onResponseEnd() {} };

  it("gets an abort during the wait for a token once, and nothing is sent", async () => {
    talkdesk.faults.add({ at: "token", hang: true });
    const errors: Error[] = [];
    const reason = new Error("enough");
    await new Promise<void>((resolve) => {
      authorized().dispatch(
        { origin: api, path: "/echo", method: "GET" },
        {
          ...quiet,
          onRequestStart: (controller) => setImmediate(() => controller.abort(reason)),
          onResponseError: (_controller, error) => {
            errors.push(error);
            resolve();
          },
        },
      );
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual([reason]);
    expect(talkdesk.requests.to("api")).toEqual([]);
  });

  it("can pause, and gets nothing until it resumes", async () => {
    let received = 0;
    let receivedWhilePaused = 0;
    await new Promise<void>((resolve, reject) => {
      authorized().dispatch(
        { origin: api, path: "/large?bytes=5000000", method: "GET" },
        {
          onRequestStart() {},
          onResponseStart(controller) {
            controller.pause();
            setTimeout(() => {
              receivedWhilePaused = received;
              controller.resume();
            }, 50);
          },
          onResponseData: (_controller, chunk) => {
            received += chunk.length;
          },
          onResponseEnd: () => resolve(),
          onResponseError: (_controller, error) => reject(error),
        },
      );
    });
    expect(received).toBe(5_000_000);
    expect(receivedWhilePaused).toBeLessThan(1_000_000);
  });

  it("gets trailers", async () => {
    const { origin, dispatcher } = await startServer((_request, response) => {
      response.writeHead(200, { trailer: "x-sum" });
      response.write("body");
      response.addTrailers({ "x-sum": "4" });
      response.end();
    });
    const { body, trailers } = await request(origin, { dispatcher });
    await body.dump();
    expect(trailers).toMatchObject({ "x-sum": "4" });
  });
});

describe("mistakes", () => {
  it.each([
    ["no source", undefined, {}],
    [
      "an origin with a path",
      { api: "https://api.example", getToken: async () => ({}) },
      { origins: ["https://a.example/x"] },
    ],
    ["plain http", { api: "http://api.example", getToken: async () => ({}) }, {}],
  ])("refuses %s at once", (_what, wrong, options) => {
    expect(() => talkdeskUndici(wrong as unknown as TokenSource, options)).toThrow(TypeError);
  });
});

describe("a fetch that follows many redirects", () => {
  it("is told of each start once, and node warns of nothing", async () => {
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on("warning", note);
    try {
      const { origin, dispatcher } = await startServer(({ url = "" }, response) => {
        const hop = Number(url.slice(1));
        if (hop === 15) response.end("arrived");
        else response.writeHead(302, { location: `/${hop + 1}` }).end();
      });
      const response = await undiciFetch(`${origin}/0`, { dispatcher });
      expect(await response.text()).toBe("arrived");
      await new Promise((resolve) => setImmediate(resolve));
      expect(warnings).toEqual([]);
    } finally {
      process.off("warning", note);
    }
  });
});
