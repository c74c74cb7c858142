import http from "node:http";
import https from "node:https";
import { connect, type Socket } from "node:net";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { selfSigned } from "@talkdesk-oauth/fixtures";
import axios, { type AxiosInstance, type AxiosRequestConfig } from "axios";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { Client, type Dispatcher, interceptors, Pool } from "undici";
import { afterEach, describe, expect, it, vi } from "vitest";
import { catchAxiosError } from "./catch-axios-error.js";
import { type Gateway, type RecordingProxy, startGateway, startProxy } from "./gateway-and-proxy.js";

const ca = selfSigned.cert;
const TOKEN = "token-of-this-test";
const proxyVariables = ["http", "https", "all", "no"].flatMap((name) => [
  `${name}_proxy`,
  `${name.toUpperCase()}_PROXY`,
]);

interface Route {
  readonly config?: (proxy: RecordingProxy) => AxiosRequestConfig;
  readonly variables?: (proxy: RecordingProxy) => Readonly<Record<string, string>>;
}

const proxied: Readonly<Record<string, Route>> = {
  "a proxy": { config: ({ port }) => ({ proxy: { host: "127.0.0.1", port } }) },
  "a proxy with a protocol": {
    config: ({ port }) => ({ proxy: { protocol: "http", host: "127.0.0.1", port } }),
  },
  "a proxy with a user": {
    config: ({ port }) => ({
      proxy: { protocol: "http:", host: "127.0.0.1", port, auth: { username: "ada", password: "p" } },
    }),
  },
  "a URL for a proxy": { config: ({ url }) => ({ proxy: new URL(url) as never }) },
  "a proxy and no redirects": {
    config: ({ port }) => ({ maxRedirects: 0, proxy: { host: "127.0.0.1", port } }),
  },
  ALL_PROXY: { variables: ({ url }) => ({ ALL_PROXY: url }) },
  all_proxy: { variables: ({ url }) => ({ all_proxy: url }) },
};

async function withClient(
  scheme: "http" | "https",
  { config, variables }: Route,
  use: (client: AxiosInstance, gateway: Gateway, proxy: RecordingProxy) => Promise<void>,
): Promise<void> {
  await using gateway = await startGateway(scheme);
  await using proxy = await startProxy();
  for (const name of proxyVariables) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(variables?.(proxy) ?? {})) vi.stubEnv(name, value);
  // This version does not use the `ca` of the agent for a gateway behind a tunnel.
  if (axios.VERSION === "1.16.1") vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  const httpsAgent = new https.Agent({ ca });
  const client = axios.create({ httpsAgent, ...config?.(proxy) });
  client.interceptors.request.use(talkdeskAxios(gateway.source));
  try {
    await use(client, gateway, proxy);
  } finally {
    httpsAgent.destroy();
  }
}

/** Tests where a token goes with a proxy, an agent or a transport. */
export function describeRoutes(): void {
  afterEach(() => void vi.unstubAllEnvs());

  describe("a gateway over TLS", () => {
    it.each(
      Object.entries<Route>({
        ...proxied,
        HTTPS_PROXY: { variables: ({ url }) => ({ HTTPS_PROXY: url }) },
        https_proxy: { variables: ({ url }) => ({ https_proxy: url }) },
        "an agent that tunnels": {
          config: ({ url }) => ({ proxy: false, httpsAgent: new TrustingTunnel(url) }),
        },
      }),
    )("is reached through a tunnel, by %s, and the proxy reads no token", async (_, route) => {
      await withClient("https", route, async (client, gateway, proxy) => {
        expect((await client.get("/users")).status).toBe(200);
        expect(gateway.authorizations).toEqual([`Bearer ${TOKEN}`]);
        expect(proxy.received()).toMatch(/^CONNECT /);
        expect(proxy.received()).not.toContain(TOKEN);
      });
    });

    it.each<[name: string, route: Route]>([
      ["NO_PROXY names it", { variables: ({ url }) => ({ HTTPS_PROXY: url, NO_PROXY: "localhost" }) }],
      [
        "proxy is false",
        { config: () => ({ proxy: false }), variables: ({ url }) => ({ HTTPS_PROXY: url }) },
      ],
      ["the transport is Node's", { config: () => ({ transport: https }) }],
    ])("is reached directly when %s", async (_, route) => {
      await withClient("https", route, async (client, gateway, proxy) => {
        expect((await client.get("/users")).status).toBe(200);
        expect(gateway.authorizations).toEqual([`Bearer ${TOKEN}`]);
        expect(proxy.received()).toBe("");
      });
    });

    it("gets no token over an agent with the address of another server, whose certificate is valid", async () => {
      await using other = await startGateway("https");
      const route = { config: () => ({ httpsAgent: new https.Agent({ ca, port: other.port }) }) };
      await withClient("https", route, async (client) => {
        await expectRefused(client);
        expect(other.authorizations).toEqual([]);
      });
    });

    it.each<[name: string, route: Route]>([
      [
        "an agent that forwards in the clear",
        { config: ({ url }) => ({ proxy: false, httpsAgent: new HttpProxyAgent(url) }) },
      ],
      [
        "an agent whose connections are not encrypted",
        {
          config: ({ port }) => ({
            proxy: false,
            httpsAgent: Object.assign(new https.Agent(), {
              createConnection: () => connect(port, "127.0.0.1"),
            }),
          }),
        },
      ],
      ["a transport of the caller's", { config: ({ port }) => ({ transport: clearTransport(port) }) }],
      [
        "a session of HTTP/2 with another port",
        { config: ({ port }) => ({ httpVersion: 2, http2Options: { port } }) as AxiosRequestConfig },
      ],
    ])("gets no token by %s", async (_, route) => {
      await withClient("https", route, async (client, _gateway, proxy) => {
        await expectRefused(client);
        expect(proxy.received()).not.toContain(TOKEN);
      });
    });
  });

  describe("a gateway on a loopback address", () => {
    it.each(
      Object.entries<Route>({
        ...proxied,
        HTTP_PROXY: { variables: ({ url }) => ({ HTTP_PROXY: url }) },
        http_proxy: { variables: ({ url }) => ({ http_proxy: url }) },
        "an agent that forwards": {
          config: ({ url }) => ({ proxy: false, httpAgent: new HttpProxyAgent(url) }),
        },
        "an agent with another port": { config: ({ port }) => ({ httpAgent: new http.Agent({ port }) }) },
        "an agent with its own connection": {
          config: ({ port }) => ({
            httpAgent: Object.assign(new http.Agent(), {
              createConnection: () => connect(port, "127.0.0.1"),
            }),
          }),
        },
        "a transport of the caller's": {
          config: ({ port }) => ({ transport: clearTransport(port) }),
        },
      }),
    )("gets no token by %s", async (_, route) => {
      await withClient("http", route, async (client, gateway, proxy) => {
        await expectRefused(client);
        expect(proxy.received()).not.toContain(TOKEN);
        expect(gateway.authorizations).toEqual([]);
      });
    });

    it.each<[name: string, route: Route]>([
      ["NO_PROXY names it", { variables: ({ url }) => ({ HTTP_PROXY: url, NO_PROXY: "127.0.0.1" }) }],
      ["proxy is false", { config: () => ({ proxy: false }), variables: ({ url }) => ({ HTTP_PROXY: url }) }],
      ["an agent is new for each request", { config: () => ({ httpAgent: false }) }],
      [
        "an agent keeps its connections",
        { config: () => ({ httpAgent: new http.Agent({ keepAlive: true }) }) },
      ],
      ["the transport is Node's", { config: () => ({ transport: http }) }],
    ])("is reached directly when %s", async (_, route) => {
      await withClient("http", route, async (client, gateway, proxy) => {
        expect((await client.get("/users")).status).toBe(200);
        expect((await client.get("/users")).status).toBe(200);
        expect(gateway.authorizations).toEqual([`Bearer ${TOKEN}`, `Bearer ${TOKEN}`]);
        expect(proxy.received()).toBe("");
      });
    });

    it("gets no token when its name leads to another machine", async () => {
      await using gateway = await startGateway("http");
      const { source } = gateway;
      // The test has no other machine, so the socket reports the address of one.
      class Elsewhere extends http.Agent {
        override createConnection({ port }: { port: number }, done: () => void): Socket {
          const socket = connect({ port, host: "127.0.0.1" }, done);
          return Object.defineProperty(socket, "remoteAddress", { value: "192.0.2.1" });
        }
      }
      const client = axios.create({ httpAgent: new Elsewhere() });
      const api = source.api.replace("127.0.0.1", "localhost");
      client.interceptors.request.use(talkdeskAxios({ ...source, api }));
      await expectRefused(client);
      expect(gateway.authorizations).toEqual([]);
    });
  });

  it.each<[name: string, bound: (origin: string) => Dispatcher]>([
    ["a pool", (origin) => new Pool(origin)],
    ["a client", (origin) => new Client(origin)],
    ["a pool with an interceptor", (origin) => new Pool(origin).compose(interceptors.retry())],
  ])("gets no token over fetch by %s of another origin", async (_, bound) => {
    await using other = await startGateway("http");
    const dispatcher = bound(other.source.api);
    const route = {
      config: () => ({ adapter: "fetch", fetchOptions: { dispatcher } }) as AxiosRequestConfig,
    };
    await withClient("http", route, async (client, gateway) => {
      await expectRefused(client);
      expect([...other.authorizations, ...gateway.authorizations]).toEqual([]);
    });
    await dispatcher.close();
  });

  it("gets a token over fetch with a pool for its own origin", async () => {
    await using gateway = await startGateway("http");
    const dispatcher = new Pool(gateway.source.api);
    const client = axios.create({ adapter: "fetch", fetchOptions: { dispatcher } });
    client.interceptors.request.use(talkdeskAxios(gateway.source));
    expect((await client.get("/users")).status).toBe(200);
    expect(gateway.authorizations).toEqual([`Bearer ${TOKEN}`]);
    await dispatcher.close();
  });

  it("gets no token for a socket path, whose requests pass untouched", async () => {
    await withClient("http", {}, async (client, gateway) => {
      const socketPath = "/nowhere/socket";
      const seen: unknown[] = [];
      const adapter = async (config: AxiosRequestConfig) => {
        seen.push([config.url, config.baseURL, Object.keys(config.headers ?? {})]);
        return { data: "", status: 200, statusText: "", headers: {}, config } as never;
      };
      await client.get("/containers", { socketPath, adapter });
      expect(seen).toEqual([["/containers", undefined, expect.not.arrayContaining(["Authorization"])]]);
      const error = await catchAxiosError(client.get("http://localhost/containers", { socketPath }));
      expect(error.code).toBe("ENOENT");
      expect(gateway.authorizations).toEqual([]);
    });
  });
}

/** A tunnel that trusts the tests' certificate at its far end. */
class TrustingTunnel extends HttpsProxyAgent<string> {
  override connect(request: http.ClientRequest, options: Parameters<HttpsProxyAgent<string>["connect"]>[1]) {
    return super.connect(request, { ...options, ca } as typeof options);
  }
}

/** Makes a transport that sends every request to one port, unencrypted. */
function clearTransport(port: number): object {
  const request = (options: http.RequestOptions, done: (response: http.IncomingMessage) => void) =>
    http.request({ ...options, protocol: "http:", agent: undefined, hostname: "127.0.0.1", port }, done);
  return { request };
}

async function expectRefused(client: AxiosInstance): Promise<void> {
  const error = await catchAxiosError(client.get("/users"));
  expect(error.code).toBe("ERR_BAD_OPTION_VALUE");
  expect(error.message).toMatch(/access token was not sent|may not have a token/);
  expect(error.config?.url).toBe("/users");
}
