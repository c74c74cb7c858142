import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { accessToken, TalkdeskError, type TokenSource } from "@talkdesk-oauth/core";
import { selfSigned } from "@talkdesk-oauth/fixtures";
import { talkdeskUndici } from "@talkdesk-oauth/undici";
import type { Dispatcher } from "undici";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Undici } from "./describe-undici.js";

type Interceptor = Dispatcher.DispatcherComposeInterceptor;
type Handler = Dispatcher.DispatchHandler;

const closing: (() => unknown)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0)) await close();
});

/** Starts a server that records what it receives. */
async function startServer(
  answer: RequestListener,
): Promise<{ origin: string; received: Received[]; server: Server }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk) => (text += chunk));
    request.on("end", () => {
      received.push({
        url: request.url ?? "",
        method: request.method ?? "",
        authorization: request.headers.authorization,
        headers: request.headers,
        text,
      });
      answer(request, response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, server };
}

interface Received {
  readonly url: string;
  readonly method: string;
  readonly authorization: string | undefined;
  readonly headers: Record<string, unknown>;
  readonly text: string;
}

/** Makes a source of named tokens, which gives the next one after each refusal. */
function makeSource(api: string, ...names: string[]): TokenSource & { readonly refused: string[] } {
  const refused: string[] = [];
  const tokens = names.map((value) => accessToken({ value, expiresAt: Date.now() + 600_000 }));
  return {
    api,
    refused,
    async getToken({ rejected } = {}) {
      if (rejected !== undefined) refused.push(rejected.value);
      const token = tokens[Math.min(refused.length, tokens.length - 1)];
      if (token === undefined) throw new Error("no names");
      return token;
    },
  };
}

/** Makes a source that gives its token after a call of `give`. */
function makeSlowSource(api: string): TokenSource & { give(): void; asked: Promise<void> } {
  let give = (): void => {};
  let ask = (): void => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  return {
    api,
    give,
    asked,
    async getToken() {
      ask();
      await given;
      return accessToken({ value: "slow", expiresAt: Date.now() + 600_000 });
    },
  };
}

/** Tests what only the interceptor promises, with one version of undici. */
export function describeInterceptor(undici: Undici, name: string): void {
  const { interceptors, request } = undici;

  function agent(options: ConstructorParameters<Undici["Agent"]>[0] = {}): Dispatcher {
    return closed(new undici.Agent(options));
  }

  function closed<Kind extends Dispatcher>(dispatcher: Kind): Kind {
    closing.push(() => dispatcher.destroy());
    return dispatcher;
  }

  async function textOf(url: string, dispatcher: Dispatcher): Promise<string> {
    const { body } = await request(url, { dispatcher });
    return body.text();
  }

  describe(name, () => {
    describe("two users over one layer", () => {
      /** Answers with the caller's name, and allows every cache to store that. */
      const whoAmI: RequestListener = ({ headers }, response) => {
        response.setHeader("cache-control", "public, max-age=600, stale-while-revalidate=600");
        response.setHeader("etag", '"1"');
        if (headers["if-none-match"] !== undefined) response.writeHead(304);
        response.end(headers.authorization);
      };

      const between: Record<string, Interceptor[]> = {
        nothing: [],
        retry: [interceptors.retry()],
        redirect: [interceptors.redirect({ maxRedirections: 2 })],
        responseError: [interceptors.responseError()],
      };

      for (const [what, others] of Object.entries(between)) {
        it(`never serves another user's response from a cache above, with ${what} between`, async () => {
          const { origin, received } = await startServer(whoAmI);
          const cache = interceptors.cache();
          const clients = ["alice", "bob"].map((who) =>
            agent().compose(talkdeskUndici(makeSource(origin, who)), ...others, cache),
          );
          const [alice, bob] = clients as [Dispatcher, Dispatcher];
          expect(await textOf(`${origin}/me`, alice)).toBe("Bearer alice");
          expect(await textOf(`${origin}/me`, bob)).toBe("Bearer bob");
          expect(await textOf(`${origin}/me`, alice)).toBe("Bearer alice");
          expect(received).toHaveLength(3);
        });

        it(`never joins requests of two users in a deduplicator above, with ${what} between`, async () => {
          const { origin, received } = await startServer(({ headers }, response) => {
            setTimeout(() => response.end(headers.authorization), 50);
          });
          const deduplicate = interceptors.deduplicate();
          const users = ["alice", "bob", "alice"];
          const calls = users.map((who) => {
            const dispatcher = agent().compose(
              talkdeskUndici(makeSource(origin, who)),
              ...others,
              deduplicate,
            );
            return textOf(`${origin}/me?a="b"`, dispatcher);
          });
          expect(await Promise.all(calls)).toEqual(users.map((who) => `Bearer ${who}`));
          expect(received).toHaveLength(3);
        });
      }

      it("reads an answer below a deduplicator in every way", async () => {
        const { origin } = await startServer((_request, response) => void response.end("whole"));
        const dispatcher = agent().compose(
          talkdeskUndici(makeSource(origin, "alice")),
          interceptors.deduplicate(),
        );
        const url = `${origin}/me`;
        const options = { origin, path: "/me", method: "GET" } as const;
        expect(await textOf(url, dispatcher)).toBe("whole");
        expect(await (await undici.fetch(url, { dispatcher })).text()).toBe("whole");
        const streamed: string[] = [];
        await dispatcher.stream(
          options,
          () => new Writable({ write: (chunk, _, done) => done(void streamed.push(String(chunk))) }),
        );
        expect(streamed.join("")).toBe("whole");
        const piped = dispatcher.pipeline(options, ({ body }) => body).end();
        expect((await piped.toArray()).map(String)).toEqual(["whole"]);
      });

      it("does not serve a private cache above either, nor one that keeps everything", async () => {
        const { origin } = await startServer(
          ({ headers }, response) => void response.end(headers.authorization),
        );
        const cache = interceptors.cache({ type: "private", cacheByDefault: 600 });
        for (const who of ["alice", "bob"]) {
          const dispatcher = agent().compose(talkdeskUndici(makeSource(origin, who)), cache);
          expect(await textOf(`${origin}/me`, dispatcher)).toBe(`Bearer ${who}`);
        }
      });

      it("prevents caching also when Cache-Control has an open quotation mark", async () => {
        const { origin } = await startServer(({ headers }, response) => {
          response.setHeader("cache-control", 'public, max-age=600, x="');
          response.end(headers.authorization);
        });
        const cache = interceptors.cache();
        for (const who of ["alice", "bob"]) {
          const dispatcher = agent().compose(talkdeskUndici(makeSource(origin, who)), cache);
          expect(await textOf(`${origin}/me`, dispatcher)).toBe(`Bearer ${who}`);
        }
      });

      it("answers from a cache nearer to the network, when the API says that all may share", async () => {
        const { origin, received } = await startServer((_request, response) => {
          response.setHeader("cache-control", "public, max-age=600");
          response.end("the same for all");
        });
        const dispatcher = agent().compose(interceptors.cache(), talkdeskUndici(makeSource(origin, "alice")));
        const headers = { "x-number": 1 as unknown as string };
        for (let round = 0; round < 2; round += 1) {
          const { body } = await request(`${origin}/regions`, { dispatcher, headers });
          expect(await body.text()).toBe("the same for all");
        }
        expect(received).toHaveLength(1);
      });

      it("keeps answers apart in a cache nearer to the network", async () => {
        const { origin } = await startServer(({ headers }, response) => {
          response.setHeader("cache-control", "max-age=600");
          response.end(headers.authorization);
        });
        const shared = agent().compose(interceptors.cache(), interceptors.deduplicate());
        const calls = ["alice", "bob"].map((who) =>
          textOf(`${origin}/me`, shared.compose(talkdeskUndici(makeSource(origin, who)))),
        );
        expect(await Promise.all(calls)).toEqual(["Bearer alice", "Bearer bob"]);
      });

      it("joins one user's requests in a deduplicator nearer to the network", async () => {
        const { origin, received } = await startServer(
          (_request, response) => void setTimeout(() => response.end("one"), 50),
        );
        const dispatcher = agent().compose(
          interceptors.deduplicate(),
          talkdeskUndici(makeSource(origin, "alice")),
        );
        const answers = [textOf(`${origin}/me`, dispatcher), textOf(`${origin}/me`, dispatcher)];
        expect(await Promise.all(answers)).toEqual(["one", "one"]);
        expect(received).toHaveLength(1);
      });

      it("adds no-store for caches above to the Cache-Control of the API", async () => {
        const { origin } = await startServer((_request, response) => {
          response.setHeader("cache-control", "max-age=60");
          response.end();
        });
        const dispatcher = agent().compose(talkdeskUndici(makeSource(origin, "alice")));
        const { headers, body } = await request(origin, { dispatcher });
        await body.dump();
        expect(headers["cache-control"]).toBe("no-store, max-age=60");
      });
    });

    describe("a route that is not what the URL says", () => {
      const api = () => startServer((_request, response) => void response.end("from the gateway"));
      const elsewhere = () => startServer((_request, response) => void response.end("from elsewhere"));

      const leading: Record<string, (origin: string) => Dispatcher> = {
        "a Pool": (origin) => new undici.Pool(origin),
        "a Client": (origin) => new undici.Client(origin),
        "a BalancedPool": (origin) => new undici.BalancedPool(origin),
        "a RoundRobinPool": (origin) => new undici.RoundRobinPool(origin),
        "a Pool of one connection": (origin) => new undici.Pool(origin, { connections: 1 }),
        "a Pool below dns": (origin) => new undici.Pool(origin).compose(interceptors.dns()),
        "a Pool below retry": (origin) =>
          new undici.Pool(origin).compose(interceptors.retry({ maxRetries: 1, minTimeout: 1 })),
        "a RetryAgent over a Pool": (origin) =>
          new undici.RetryAgent(new undici.Pool(origin), { maxRetries: 1, minTimeout: 1 }),
        "a proxy without a tunnel": (uri) => new undici.ProxyAgent({ uri, proxyTunnel: false }),
      };

      it.each(Object.keys(leading))("sends no token to %s of another origin, and says so", async (what) => {
        const { origin } = await api();
        const { origin: other, received } = await elsewhere();
        const made = leading[what]?.(other);
        if (made === undefined) throw new Error(what);
        const dispatcher = closed(made).compose(talkdeskUndici(makeSource(origin, "secret")));
        const calls = [
          request(`${origin}/users`, { dispatcher }),
          request(`${origin}/users`, { dispatcher }),
        ];
        expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual([
          "rejected",
          "rejected",
        ]);
        expect(received.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
      });

      it("names the mistake", async () => {
        const { origin } = await api();
        const { origin: other } = await elsewhere();
        const dispatcher = closed(new undici.Pool(other)).compose(
          talkdeskUndici(makeSource(origin, "secret")),
        );
        await expect(request(`${origin}/users`, { dispatcher })).rejects.toThrow(
          `the dispatcher leads to a client of ${other}. Compose over an Agent.`,
        );
      });

      const proxies: Record<string, (uri: string) => Dispatcher> = {
        "a ProxyAgent": (uri) => new undici.ProxyAgent({ uri, proxyTunnel: true }),
        "an EnvHttpProxyAgent": (httpProxy) =>
          new undici.EnvHttpProxyAgent({ httpProxy, noProxy: "", proxyTunnel: true }),
      };

      it.each(Object.keys(proxies))("sends no token through the tunnel of %s in the clear", async (what) => {
        const { origin, received } = await api();
        let tunnelled = "";
        const { origin: proxy, server } = await elsewhere();
        server.on("connect", ({ url }, socket) => {
          socket.write("HTTP/1.1 200 OK\r\n\r\n");
          const { hostname, port } = new URL(`http://${url}`);
          const onward = connect(Number(port), hostname);
          socket.on("data", (chunk) => {
            tunnelled += chunk;
            onward.write(chunk);
          });
          onward.pipe(socket);
          for (const each of [socket, onward]) each.on("error", () => {});
        });
        const made = proxies[what]?.(proxy);
        if (made === undefined) throw new Error(what);
        const dispatcher = closed(made).compose(talkdeskUndici(makeSource(origin, "secret")));
        await expect(request(`${origin}/users`, { dispatcher })).rejects.toThrow(
          /leads to a proxy, a socket path or a server/,
        );
        expect(tunnelled).not.toContain("secret");
        expect(received).toEqual([]);
      });

      it.each(["connect.socketPath of an Agent", "socketPath of a Client"])(
        "sends no token to %s",
        async (what) => {
          const { origin } = await api();
          const { path, received } = await socketServer();
          const dispatcher = closed(
            what.endsWith("Client")
              ? new undici.Client(origin, { socketPath: path })
              : new undici.Agent({ connect: { socketPath: path } }),
          ).compose(talkdeskUndici(makeSource(origin, "secret")));
          await expect(request(`${origin}/users`, { dispatcher })).rejects.toThrow(
            /leads to a proxy, a socket path or a server/,
          );
          expect(received.join("")).toBe("");
        },
      );

      it.each(["a Pool", "a Client", "a BalancedPool", "a Pool below dns"])(
        "sends the token to %s of the gateway",
        async (what) => {
          const { origin, received } = await api();
          const made = leading[what]?.(origin);
          if (made === undefined) throw new Error(what);
          const dispatcher = closed(made).compose(talkdeskUndici(makeSource(origin, "known")));
          expect(await textOf(`${origin}/users`, dispatcher)).toBe("from the gateway");
          expect(received.map(({ authorization }) => authorization)).toEqual(["Bearer known"]);
        },
      );

      it("sends no token where TLS is asked to prove another name", async () => {
        const authorizations: unknown[] = [];
        const server = createHttpsServer(selfSigned, ({ headers }, response) => {
          authorizations.push(headers.authorization);
          response.end("from anywhere");
        }).listen(0, "127.0.0.1");
        await once(server, "listening");
        closing.push(() => {
          server.closeAllConnections();
          server.close();
        });
        const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
        const answers = ["elsewhere.example", "localhost"].map((servername) => {
          const connect = { rejectUnauthorized: false, servername, host: "127.0.0.1" };
          return textOf(origin, agent({ connect }).compose(talkdeskUndici(makeSource(origin, "known"))));
        });
        await expect(answers[0]).rejects.toThrow(/a server of another name/);
        await expect(answers[1]).resolves.toBe("from anywhere");
        expect(authorizations).toEqual(["Bearer known"]);
      });

      it("sends one token to two origins at once", async () => {
        let release = (): void => {};
        const released = new Promise<void>((resolve) => {
          release = resolve;
        });
        const slow = await startServer(
          (_request, response) => void released.then(() => response.end("slow")),
        );
        const quick = await startServer((_request, response) => void response.end("quick"));
        const ours = talkdeskUndici(makeSource(slow.origin, "known"), { origins: [quick.origin] });
        const dispatcher = agent().compose(ours);
        const first = textOf(slow.origin, dispatcher);
        await vi.waitFor(() => expect(slow.received).toHaveLength(1), 10_000);
        expect(await textOf(quick.origin, dispatcher)).toBe("quick");
        release();
        expect(await first).toBe("slow");
        expect(quick.received).toMatchObject([{ authorization: "Bearer known" }]);
      });

      it("sends the token to localhost below dns", async () => {
        const { origin, received } = await api();
        const localhost = origin.replace("127.0.0.1", "localhost");
        const dispatcher = agent().compose(
          interceptors.dns({ affinity: 4, dualStack: false }),
          talkdeskUndici(makeSource(localhost, "known")),
        );
        expect(await textOf(`${localhost}/users`, dispatcher)).toBe("from the gateway");
        expect(received.map(({ authorization }) => authorization)).toEqual(["Bearer known"]);
      });

      it("removes the token where an interceptor beneath follows a redirect and would keep it", async () => {
        const { origin: other, received } = await elsewhere();
        const { origin } = await startServer(
          (_request, response) => void response.writeHead(302, { location: other }).end(),
        );
        const careless: Interceptor = (dispatch) => (options, handler) =>
          dispatch(options, {
            onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
            onResponseEnd: () => void dispatch({ ...options, origin: other }, handler),
            onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
            onResponseStart() {},
            onResponseData() {},
          });
        const dispatcher = agent().compose(careless, talkdeskUndici(makeSource(origin, "secret")));
        await expect(request(origin, { dispatcher })).rejects.toThrow(/The token was not sent/);
        expect(received).toEqual([]);
      });
    });

    describe("what the caller changes while a token is on its way", () => {
      it("is not sent", async () => {
        const { origin, received } = await startServer((_request, response) => void response.end());
        const { origin: other, received: astray } = await startServer(
          (_request, response) => void response.end(),
        );
        const source = makeSlowSource(origin);
        const bytes = Buffer.from("as it was");
        const options = {
          origin: new URL(origin),
          path: "/users",
          method: "POST",
          query: { list: ["1"], page: "1" } as Record<string, unknown>,
          headers: ["x-one", "1", "x-many", ["1", "2"]] as unknown as string[],
          body: bytes,
        };
        const done = agent()
          .compose(talkdeskUndici(source))
          .request(options as Dispatcher.RequestOptions);
        await source.asked;
        options.origin.port = new URL(other).port;
        options.path = "/admin";
        options.method = "DELETE";
        (options.query["list"] as string[]).push("2");
        options.query["page"] = "2";
        options.headers[1] = "changed";
        (options.headers[3] as unknown as string[]).push("3");
        bytes.fill("x");
        source.give();
        await (await done).body.dump();
        expect(astray).toEqual([]);
        expect(received).toMatchObject([
          {
            url: "/users?list=1&page=1",
            method: "POST",
            text: "as it was",
            authorization: "Bearer slow",
            headers: { "x-one": "1", "x-many": "1, 2" },
          },
        ]);
      });

      it("is read once, from a record of headers too", async () => {
        const { origin, received } = await startServer((_request, response) => void response.end());
        const source = makeSlowSource(origin);
        const headers: Record<string, string | string[]> = { "x-one": "1", "x-many": ["1", "2"] };
        const done = request(origin, { dispatcher: agent().compose(talkdeskUndici(source)), headers });
        await source.asked;
        headers["x-one"] = "changed";
        headers["host"] = "elsewhere.example";
        (headers["x-many"] as string[]).push("3");
        source.give();
        await (await done).body.dump();
        expect(received).toMatchObject([
          { headers: { "x-one": "1", "x-many": "1, 2", host: new URL(origin).host } },
        ]);
      });
    });

    describe("a redirect that another origin has led to", () => {
      const followers: Record<string, (ours: Interceptor, url: string) => Promise<{ statusCode: number }>> = {
        "redirect outside": (ours, url) =>
          request(url, { dispatcher: agent().compose(ours, interceptors.redirect({ maxRedirections: 5 })) }),
        "redirect outside, with dns and retry between": (ours, url) =>
          request(url, {
            dispatcher: agent().compose(
              ours,
              interceptors.dns(),
              interceptors.retry(),
              interceptors.redirect({ maxRedirections: 5 }),
            ),
          }),
        "redirect inside": (ours, url) =>
          request(url, { dispatcher: agent().compose(interceptors.redirect({ maxRedirections: 5 }), ours) }),
        fetch: async (ours, url) => {
          const { status } = await undici.fetch(url, { dispatcher: agent().compose(ours) });
          return { statusCode: status };
        },
      };

      for (const [what, follow] of Object.entries(followers)) {
        it.each([302, 307])(`brings no token to the gateway, with ${what}, at a %i`, async (status) => {
          const gateway = await startServer((_request, response) => void response.end());
          const other = await startServer((_request, response) => {
            response.writeHead(status, { location: `${gateway.origin}/users?a=1#top` }).end("over there");
          });
          const source = makeSource(gateway.origin, "secret");
          const { statusCode } = await follow(talkdeskUndici(source), `${other.origin}/start`);
          expect(statusCode).toBe(200);
          expect(gateway.received).toMatchObject([{ url: "/users?a=1", authorization: undefined }]);
        });

        it(`brings none when the chain has left the gateway and come back, with ${what}`, async () => {
          const other = await startServer(({ url }, response) => {
            response.writeHead(302, { location: `${gateway.origin}/back${url}` }).end();
          });
          const gateway = await startServer(({ url }, response) => {
            const location = { "/leave": `${other.origin}/`, "/back/": "/onward" }[url ?? ""];
            if (location === undefined) response.writeHead(401).end();
            else response.writeHead(302, { location }).end();
          });
          const source = makeSource(gateway.origin, "first", "second");
          const { statusCode } = await follow(talkdeskUndici(source), `${gateway.origin}/leave`);
          expect(statusCode).toBe(401);
          expect(gateway.received.map(({ url, authorization }) => [url, authorization])).toEqual([
            ["/leave", "Bearer first"],
            ["/back/", undefined],
            ["/onward", undefined],
          ]);
          expect(source.refused).toEqual([]);
        });

        it(`keeps the token on the gateway, with ${what}`, async () => {
          const gateway = await startServer(({ url }, response) => {
            if (url === "/moved") response.writeHead(302, { location: "/users" });
            response.end();
          });
          await follow(talkdeskUndici(makeSource(gateway.origin, "known")), `${gateway.origin}/moved`);
          expect(gateway.received.map(({ authorization }) => authorization)).toEqual([
            "Bearer known",
            "Bearer known",
          ]);
        });
      }

      it("does not take the token from a request that the caller makes itself", async () => {
        const gateway = await startServer((_request, response) => void response.end());
        const other = await startServer((_request, response) => {
          response.writeHead(302, { location: `${gateway.origin}/users` }).end();
        });
        const dispatcher = agent().compose(talkdeskUndici(makeSource(gateway.origin, "known")));
        const { headers, body } = await request(other.origin, { dispatcher });
        await body.dump();
        await textOf(String(headers["location"]), dispatcher);
        expect(gateway.received).toMatchObject([{ authorization: "Bearer known" }]);
      });
    });

    describe("a refusal", () => {
      const refusing: RequestListener = ({ headers }, response) => {
        response.setHeader("content-type", "application/json");
        if (headers.authorization === "Bearer fresh") response.end('"welcome"');
        else response.writeHead(401).end('"refused"');
      };

      const throwing: Record<string, Interceptor> = {
        responseError: interceptors.responseError(),
        "retry with 401": interceptors.retry({
          statusCodes: [401],
          maxRetries: 1,
          minTimeout: 1,
          timeoutFactor: 1,
        }),
      };

      it.each(Object.keys(throwing))("is noticed when %s beneath has made an error of it", async (what) => {
        const { origin } = await startServer(refusing);
        const source = makeSource(origin, "stale", "fresh");
        const dispatcher = agent().compose(throwing[what] as Interceptor, talkdeskUndici(source));
        expect(await textOf(origin, dispatcher)).toBe('"welcome"');
        expect(source.refused).toEqual(["stale"]);
      });

      it.each(Object.keys(throwing))("is the error of %s when there is no other token", async (what) => {
        const { origin } = await startServer(refusing);
        const source = makeSource(origin, "stale");
        const dispatcher = agent().compose(throwing[what] as Interceptor, talkdeskUndici(source));
        await expect(request(origin, { dispatcher })).rejects.toMatchObject({ statusCode: 401 });
        expect(source.refused).toEqual(["stale"]);
      });

      it("is passed on when the API says that a scope is missing, also as an error", async () => {
        const { origin } = await startServer((_request, response) => {
          response.writeHead(401, { "www-authenticate": 'Bearer error="insufficient_scope"' }).end();
        });
        const source = makeSource(origin, "stale", "fresh");
        const dispatcher = agent().compose(interceptors.responseError(), talkdeskUndici(source));
        await expect(request(origin, { dispatcher })).rejects.toMatchObject({ statusCode: 401 });
        expect(source.refused).toEqual([]);
      });

      it("that never ends gives its connection up after ten seconds", async () => {
        const connections: Socket[] = [];
        const { origin } = await startServer(({ headers, socket }, response) => {
          connections.push(socket);
          if (headers.authorization === "Bearer fresh") response.end("welcome");
          else response.writeHead(401).write("and then");
        });
        vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
        const dispatcher = agent().compose(talkdeskUndici(makeSource(origin, "stale", "fresh")));
        expect(await textOf(origin, dispatcher)).toBe("welcome");
        vi.advanceTimersByTime(9_999);
        for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
        expect(connections[0]?.destroyed).toBe(false);
        vi.advanceTimersByTime(1);
        vi.useRealTimers();
        await vi.waitFor(() => expect(connections[0]?.destroyed).toBe(true), 10_000);
      });

      it("leaves no timer behind that it does not need", async () => {
        const { origin } = await startServer(refusing);
        const dispatcher = agent().compose(talkdeskUndici(makeSource(origin, "stale", "fresh")));
        const set = vi.spyOn(globalThis, "setTimeout");
        const clear = vi.spyOn(globalThis, "clearTimeout");
        await textOf(origin, dispatcher);
        const ours = set.mock.results.filter((_, index) => set.mock.calls[index]?.[1] === 10_000);
        expect(clear.mock.calls.flat()).toEqual(expect.arrayContaining(ours.map(({ value }) => value)));
        set.mockRestore();
        clear.mockRestore();
      });

      it("is the caller's when the dispatcher is closed meanwhile", async () => {
        const { origin, received } = await startServer(refusing);
        const dispatcher = new undici.Agent();
        let closedDown: Promise<void> | undefined;
        const source = makeSource(origin, "stale", "fresh");
        const closingSource: TokenSource = {
          api: origin,
          getToken(asked) {
            if (asked?.rejected !== undefined) closedDown = dispatcher.close();
            return source.getToken(asked);
          },
        };
        const { statusCode, body } = await request(origin, {
          dispatcher: dispatcher.compose(talkdeskUndici(closingSource)),
        });
        expect([statusCode, await body.text()]).toEqual([401, '"refused"']);
        await closedDown;
        expect(received).toHaveLength(1);
      });

      it("rejects when only a login can help", async () => {
        const { origin } = await startServer(refusing);
        const over = new TalkdeskError("reauthentication_required", "Log in again.");
        const source = makeSource(origin, "stale");
        const ended: TokenSource = {
          api: origin,
          getToken: (asked) => (asked?.rejected === undefined ? source.getToken() : Promise.reject(over)),
        };
        const dispatcher = agent({ connections: 1, pipelining: 1 }).compose(talkdeskUndici(ended));
        for (let round = 0; round < 3; round += 1)
          await expect(request(origin, { dispatcher })).rejects.toBe(over);
      });
    });

    describe("a caller's signal that is an EventEmitter", () => {
      const calls: Record<
        string,
        (dispatcher: Dispatcher, origin: string, signal: unknown) => Promise<unknown>
      > = {
        request: (dispatcher, origin, signal) =>
          dispatcher.request({ origin, path: "/", method: "GET", signal } as never),
        stream: (dispatcher, origin, signal) =>
          dispatcher.stream({ origin, path: "/", method: "GET", signal } as never, () => {
            throw new Error("There is no answer to stream.");
          }),
        upgrade: (dispatcher, origin, signal) => dispatcher.upgrade({ origin, path: "/", signal } as never),
      };

      it.each(Object.keys(calls))("rejects %s when it aborts while a token is awaited", async (what) => {
        const { origin, received } = await startServer((_request, response) => void response.end());
        const { EventEmitter } = await import("node:events");
        const signal = new EventEmitter();
        const source = makeSlowSource(origin);
        const call = calls[what]?.(agent().compose(talkdeskUndici(source)), origin, signal);
        const rejected = expect(call).rejects.toMatchObject({ name: "AbortError", code: "UND_ERR_ABORTED" });
        await source.asked;
        signal.emit("abort");
        await rejected;
        source.give();
        await new Promise(setImmediate);
        expect(received).toEqual([]);
      });
    });

    describe("a handler", () => {
      /** Makes a handler that records its calls; `more` are further hooks. */
      function noting(more: Record<string, (...args: never[]) => void> = {}): {
        handler: Handler;
        told: string[];
        done: Promise<void>;
      } {
        const told: string[] = [];
        let end = (): void => {};
        const done = new Promise<void>((resolve) => {
          end = resolve;
        });
        const handler: Handler = {
          onRequestStart: () => void told.push("onRequestStart"),
          onResponseStart: (_, status) => void told.push(`onResponseStart ${status}`),
          onResponseData: () => void told.push("onResponseData"),
          onResponseEnd: () => {
            told.push("onResponseEnd");
            end();
          },
          onResponseError: (_, error) => {
            told.push(`onResponseError ${error.message}`);
            end();
          },
          ...more,
        };
        return { handler, told, done };
      }

      it("is told of hooks that undici has now, and of those that it may get", async () => {
        const { origin } = await startServer((_request, response) => void response.end("answer"));
        const calls: [string, unknown[]][] = [];
        class Base {
          onBodySent(...args: unknown[]): void {
            calls.push(["onBodySent", args]);
          }
        }
        // On the prototype, as in a class.
        class Hooks extends Base {
          readonly told = noting();
          onRequestStart(): void {}
          onResponseStart(): void {}
          onResponseData(): void {}
          onResponseEnd(...args: Parameters<NonNullable<Handler["onResponseEnd"]>>): void {
            this.told.handler.onResponseEnd?.(...args);
          }
          onResponseError(): void {}
          onRequestSent(...args: unknown[]): void {
            calls.push(["onRequestSent", args]);
          }
          onResponseStarted(...args: unknown[]): void {
            calls.push(["onResponseStarted", args]);
          }
          onNextYearsHook(...args: unknown[]): void {
            calls.push(["onNextYearsHook", args]);
          }
        }
        const hooks = new Hooks();
        let connection: unknown;
        const nextYears: Interceptor = (dispatch) => (options, handler) =>
          dispatch(options, new NextYears(handler as never, (made) => (connection = made)) as Handler);
        const dispatcher = agent().compose(nextYears, talkdeskUndici(makeSource(origin, "known")));
        dispatcher.dispatch({ origin, path: "/", method: "POST", body: "four" }, hooks as Handler);
        await hooks.told.done;
        const names = calls.map(([hook]) => hook);
        expect(names).toEqual(["onBodySent", "onRequestSent", "onResponseStarted", "onNextYearsHook"]);
        const [controller, more] = calls.at(-1)?.[1] ?? [];
        expect(more).toBe("more");
        expect(controller).not.toBe(connection);
      });

      it("shows fetch when a response began", async () => {
        const { origin } = await startServer((_request, response) => void response.end("answer"));
        performance.clearResourceTimings();
        const response = await undici.fetch(`${origin}/timed`, {
          dispatcher: agent().compose(talkdeskUndici(makeSource(origin, "known"))),
        });
        await response.text();
        await vi.waitFor(() => {
          const [timing] = performance.getEntriesByName(`${origin}/timed`, "resource") as unknown as {
            responseStart: number;
          }[];
          expect(timing?.responseStart).toBeGreaterThan(0);
        });
      });

      it("that throws at its start gets that error, and nothing is sent", async () => {
        const { origin, received } = await startServer((_request, response) => void response.end());
        const { handler, told, done } = noting({
          onRequestStart() {
            throw new Error("not today");
          },
        });
        const source = makeSource(origin, "known");
        expect(
          agent().compose(talkdeskUndici(source)).dispatch({ origin, path: "/", method: "GET" }, handler),
        ).toBe(true);
        await done;
        await new Promise(setImmediate);
        expect(told).toEqual(["onResponseError not today"]);
        expect(received).toEqual([]);
      });

      it("that pauses before there is a connection gets nothing until it resumes", async () => {
        const { origin } = await startServer(
          (_request, response) => void response.end("x".repeat(3_000_000)),
        );
        let controller: Dispatcher.DispatchController | undefined;
        const { handler, told, done } = noting({
          onRequestStart(made: Dispatcher.DispatchController) {
            controller = made;
            made.pause();
          },
        });
        const { promise: started, resolve: start } = withResolvers();
        const dispatcher = agent().compose(talkdeskUndici(makeSource(origin, "known")));
        dispatcher.dispatch(
          { origin, path: "/", method: "GET" },
          { ...handler, onResponseStart: () => start() },
        );
        await started;
        for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
        expect(told.filter((each) => each === "onResponseData").length).toBeLessThan(20);
        expect(told).not.toContain("onResponseEnd");
        controller?.resume();
        await done;
        expect(told).toContain("onResponseEnd");
      });

      it.each(["outside", "inside"])("sees where the request was, with redirect %s", async (where) => {
        const { origin } = await startServer((_request, response) => void response.end());
        const ours = talkdeskUndici(makeSource(origin, "known"));
        const redirect = interceptors.redirect({ maxRedirections: 2 });
        const dispatcher = agent().compose(where === "outside" ? [ours, redirect] : [redirect, ours]);
        const { context, body } = await request(`${origin}/users`, { dispatcher });
        await body.dump();
        expect((context as { history: URL[] }).history.map(String)).toEqual([`${origin}/users`]);
      });

      it("that is not a handler is refused by undici, and so are malformed headers", async () => {
        const { origin } = await startServer((_request, response) => void response.end());
        const dispatcher = agent().compose(talkdeskUndici(makeSource(origin, "known")));
        await expect(request(origin, { dispatcher, headers: ["x-odd"] })).rejects.toThrow(
          /headers array must be even/,
        );
        await expect(request(origin, { dispatcher, headers: "x" as never })).rejects.toThrow(
          /headers must be an object/,
        );
      });
    });
  });
}

/** The handler of an interceptor that calls a hook which undici does not have yet. */
class NextYears {
  readonly handler: Record<string, (...args: unknown[]) => void>;
  readonly note: (connection: unknown) => void;
  constructor(handler: Record<string, (...args: unknown[]) => void>, note: (connection: unknown) => void) {
    this.handler = handler;
    this.note = note;
  }
  onRequestStart(controller: unknown, context: unknown): void {
    this.note(controller);
    this.handler["onRequestStart"]?.(controller, context);
    // undici 7 does not call these hooks of current handlers.
    this.handler["onBodySent"]?.("four");
    this.handler["onRequestSent"]?.();
    this.handler["onResponseStarted"]?.();
    this.handler["onNextYearsHook"]?.(controller, "more");
  }
  onResponseStart(...args: unknown[]): void {
    this.handler["onResponseStart"]?.(...args);
  }
  onResponseData(...args: unknown[]): void {
    this.handler["onResponseData"]?.(...args);
  }
  onResponseEnd(...args: unknown[]): void {
    this.handler["onResponseEnd"]?.(...args);
  }
  onResponseError(...args: unknown[]): void {
    this.handler["onResponseError"]?.(...args);
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Starts a server on a Unix domain socket that records what it receives. */
async function socketServer(): Promise<{ path: string; received: string[] }> {
  const received: string[] = [];
  const path = join(tmpdir(), `talkdesk-oauth-${crypto.randomUUID()}.sock`);
  const server: TcpServer = createTcpServer((socket) => {
    socket.on("data", (chunk) => {
      received.push(String(chunk));
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    });
    socket.on("error", () => {});
  }).listen(path);
  await once(server, "listening");
  closing.push(() => server.close());
  return { path, received };
}
