import { Agent } from "node:http";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { clientCredentials, clientSecretBasic, type TokenSource, talkdeskClient } from "@talkdesk-oauth/core";
import axios, {
  type AxiosAdapter,
  AxiosHeaders,
  type AxiosRequestConfig,
  getAdapter,
  type InternalAxiosRequestConfig,
} from "axios";
import { describe, expect, it } from "vitest";
import { type AuthorizedStage, setStage } from "./support/authorized-stage.js";
import { catchAxiosError } from "./support/catch-axios-error.js";

describe("the interceptor", () => {
  it("authorises the global axios, until it is ejected", async () => {
    await using stage = await setStage();
    const id = axios.interceptors.request.use(talkdeskAxios(stage.source));
    try {
      expect((await axios.get("/users")).status).toBe(200);
    } finally {
      axios.interceptors.request.eject(id);
    }
    const { status } = await axios.get(`${stage.api}/users`, { validateStatus: null });
    expect(status).toBe(401);
    const { authorization } = await stage.source.getToken();
    expect(stage.authorizations()).toEqual([authorization, undefined]);
  });

  it("leaves nothing behind on an instance that it is ejected from", async () => {
    await using stage = await setStage();
    const client = axios.create({ baseURL: stage.api });
    const id = client.interceptors.request.use(talkdeskAxios(stage.source));
    const before = JSON.stringify(axios.create({ baseURL: stage.api }).defaults);
    expect((await client.get("/users")).status).toBe(200);
    client.interceptors.request.eject(id);
    expect(JSON.stringify(client.defaults)).toBe(before);
    expect((await client.get("/users", { validateStatus: null })).status).toBe(401);
    expect(stage.authorizations().at(-1)).toBeUndefined();
  });

  it.each<[name: string, install: (stage: AuthorizedStage) => void]>([
    [
      "one interceptor twice",
      ({ client, source }) => {
        const again = talkdeskAxios(source);
        client.interceptors.request.use(again);
        client.interceptors.request.use(again);
      },
    ],
    [
      "an interceptor for each of two parts of a program",
      ({ client, source }) => void client.interceptors.request.use(talkdeskAxios(source)),
    ],
  ])("sends one token, and a refused request once more, with %s", async (_, install) => {
    await using stage = await setStage();
    install(stage);
    const { status } = await stage.client.get("/echo?status=401", { validateStatus: null });
    expect(status).toBe(401);
    expect(stage.apiRequests).toHaveLength(2);
    expect(stage.tokenRequests).toBe(2);
    for (const { rawHeaders } of stage.apiRequests) {
      expect(rawHeaders.filter((name) => /^authorization$/i.test(name))).toHaveLength(1);
    }
  });

  it("authorises two instances from one source, with one token request", async () => {
    await using stage = await setStage();
    const other = axios.create();
    other.interceptors.request.use(talkdeskAxios(stage.source));
    const calls = [stage.client, other, stage.client, other].map((client) => client.get("/users"));
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(stage.tokenRequests).toBe(1);
  });

  it("authorises one instance from the sources of two gateways, each with its own token", async () => {
    await using stage = await setStage();
    const { clientId, clientSecret } = stage.talkdesk.clients.get();
    await using europe = clientCredentials(
      talkdeskClient({
        endpoints: stage.talkdesk.endpoints("acme", "eu"),
        authentication: clientSecretBasic({ clientId, clientSecret }),
      }),
    );
    stage.client.interceptors.request.use(talkdeskAxios(europe));
    expect((await stage.client.get(`${stage.api}/users`)).status).toBe(200);
    expect((await stage.client.get(`${stage.otherApi}/users`)).status).toBe(200);
    expect(stage.authorizations()).toEqual([
      (await stage.source.getToken()).authorization,
      (await europe.getToken()).authorization,
    ]);
  });

  it("repeats five calls that are refused at once, with one token request", async () => {
    await using stage = await setStage();
    await stage.useRefusedToken();
    const calls = Array.from({ length: 5 }, (_, index) => stage.client.get("/echo", { params: { index } }));
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(stage.tokenRequests).toBe(2);
  });
});

describe("the adapter of the caller", () => {
  const throughHttp: AxiosAdapter = (config) => getAdapter("http")(config);

  it.each<[name: string, adapter: NonNullable<AxiosRequestConfig["adapter"]>, agent: RegExp]>([
    ["a name", "http", /accept-encoding: gzip, compress/],
    ["another name", "fetch", /sec-fetch-mode/],
    ["a list", ["xhr", "fetch", "http"], /sec-fetch-mode/],
    ["a function", throughHttp, /accept-encoding: gzip, compress/],
    ["a list with a function", [throughHttp, "fetch"], /accept-encoding: gzip, compress/],
  ])("sends, also again, when it is %s", async (_, adapter, trait) => {
    await using stage = await setStage();
    await stage.useRefusedToken();
    const { status } = await stage.client.get("/users", { adapter });
    expect(status).toBe(200);
    expect(stage.apiRequests).toHaveLength(2);
    for (const { headers } of stage.apiRequests) {
      expect(
        Object.entries(headers)
          .map((header) => header.join(": "))
          .join("\n"),
      ).toMatch(trait);
    }
  });

  it("is the instance's default, also when an interceptor that runs earlier chooses another", async () => {
    await using stage = await setStage({ adapter: "fetch" });
    expect((await stage.client.get("/users")).status).toBe(200);
    stage.client.interceptors.request.use((config) => ({ ...config, adapter: "http" }));
    expect((await stage.client.get("/users")).status).toBe(200);
    expect(stage.apiRequests.map(({ headers }) => "sec-fetch-mode" in headers)).toEqual([true, false]);
  });

  it("gets the URL and baseURL of the caller, a token, and AxiosHeaders", async () => {
    await using stage = await setStage();
    const seen: InternalAxiosRequestConfig[] = [];
    const adapter: AxiosAdapter = async (config) => {
      seen.push(config);
      return { data: "{}", status: 200, statusText: "OK", headers: {}, config };
    };
    await stage.client.get("/users", { adapter, baseURL: `${stage.api}/v1` });
    const { authorization } = await stage.source.getToken();
    expect(seen).toMatchObject([{ url: "/users", baseURL: `${stage.api}/v1` }]);
    expect(seen[0]?.headers).toBeInstanceOf(AxiosHeaders);
    expect(seen[0]?.headers.get("authorization")).toBe(authorization);
  });

  it("may change the config that it gets, which leaves a second sending as it was", async () => {
    await using stage = await setStage();
    await stage.useRefusedToken();
    const adapter: AxiosAdapter = (config) => {
      config.url = `${config.url}?again=1`;
      config.data = `${config.data}, again`;
      config.method = config.method === "post" ? "put" : "patch";
      config.headers.set("x-trace", `${config.headers.get("x-trace")}, again`);
      return getAdapter("http")(config);
    };
    await stage.client.post("/echo", "word", { adapter, headers: { "x-trace": "1" } });
    const once = {
      method: "PUT",
      url: "/echo?again=1",
      text: "word, again",
      headers: { "x-trace": "1, again" },
    };
    expect(stage.apiRequests).toMatchObject([once, once]);
  });

  it("may answer with a status and data only, as mocks do", async () => {
    await using stage = await setStage();
    const asked: unknown[] = [];
    const adapter = (async (config) => {
      asked.push(config.headers.get("authorization"));
      return { status: asked.length === 1 ? 401 : 200, data: { asked: asked.length }, config };
    }) as AxiosAdapter;
    const { data } = await stage.client.get("/users", { adapter });
    expect(data).toEqual({ asked: 2 });
    expect(new Set(asked).size).toBe(2);
  });

  it("may name its headers in any case", async () => {
    await using stage = await setStage();
    let asked = 0;
    const adapter: AxiosAdapter = async (config) => {
      asked += 1;
      const headers = { "WWW-Authenticate": 'Bearer error="insufficient_scope"' };
      return { data: null, status: 401, statusText: "", headers, config };
    };
    expect((await stage.client.get("/users", { adapter })).status).toBe(401);
    expect(asked).toBe(1);
  });
});

describe("interceptors and transforms", () => {
  it("run once for a request that is sent twice, in axios' order", async () => {
    await using stage = await setStage();
    await stage.useRefusedToken();
    const ran: string[] = [];
    const client = axios.create({
      transformRequest: [
        (data) => {
          ran.push("transformRequest");
          return JSON.stringify({ wrapped: data });
        },
      ],
      transformResponse: [
        (data) => {
          ran.push("transformResponse");
          return JSON.parse(data);
        },
      ],
    });
    const note =
      <Value>(name: string) =>
      (value: Value): Value => {
        ran.push(name);
        return value;
      };
    client.interceptors.request.use(note("request, after ours"));
    client.interceptors.request.use(talkdeskAxios(stage.source));
    client.interceptors.request.use(note("request, before ours"));
    client.interceptors.response.use(note("response"), note("response error"));
    const { data } = await client.post("/echo", "word");
    expect(data.text).toBe('{"wrapped":"word"}');
    expect(stage.apiRequests.map(({ text }) => text)).toEqual(['{"wrapped":"word"}', '{"wrapped":"word"}']);
    expect(ran).toEqual([
      "request, before ours",
      "request, after ours",
      "transformRequest",
      "transformResponse",
      "response",
    ]);
  });

  it("run once, with the error, when the second sending is refused too", async () => {
    await using stage = await setStage();
    const ran: string[] = [];
    stage.client.interceptors.response.use(undefined, (error) => {
      ran.push(`${error.response.status} ${error.response.data.method}`);
      throw error;
    });
    await catchAxiosError(stage.client.delete("/echo?status=401"));
    expect(stage.apiRequests).toHaveLength(2);
    expect(ran).toEqual(["401 DELETE"]);
  });

  it("that run after ours see AxiosHeaders, and no token", async () => {
    await using stage = await setStage();
    const client = axios.create();
    const seen: unknown[] = [];
    client.interceptors.request.use((config) => {
      seen.push(config.headers instanceof AxiosHeaders, config.headers.has("authorization"));
      config.headers.set("x-late", "1");
      return config;
    });
    client.interceptors.request.use(talkdeskAxios(stage.source));
    await client.get("/users");
    expect(seen).toEqual([true, false]);
    expect(stage.apiRequests).toMatchObject([{ status: 200, headers: { "x-late": "1" } }]);
  });
});

describe("the caller's own credentials", () => {
  it.each(["Authorization", "authorization", "AUTHORIZATION", "aUTHORIZATIOn"])(
    "are left alone under the name %s",
    async (name) => {
      await using stage = await setStage();
      const options = { validateStatus: null, headers: { [name]: "Bearer mine" } };
      expect((await stage.client.get("/users", options)).status).toBe(401);
      expect(stage.authorizations()).toEqual(["Bearer mine"]);
      expect(stage.tokenRequests).toBe(0);
    },
  );

  it.each<[name: string, give: (stage: AuthorizedStage) => void]>([
    [
      "common headers",
      ({ client }) => {
        client.defaults.headers.common["authorization"] = "Bearer mine";
      },
    ],
    [
      "headers for GET",
      ({ client }) => {
        client.defaults.headers.get["AUTHORIZATION"] = "Bearer mine";
      },
    ],
    [
      "an interceptor that runs earlier",
      ({ client }) =>
        void client.interceptors.request.use((config) => {
          config.headers.setAuthorization("Bearer mine");
          return config;
        }),
    ],
  ])("are left alone in %s", async (_, give) => {
    await using stage = await setStage({ validateStatus: null });
    give(stage);
    expect((await stage.client.get("/users")).status).toBe(401);
    expect(stage.authorizations()).toEqual(["Bearer mine"]);
    expect(stage.tokenRequests).toBe(0);
  });

  it("are left alone in `auth`", async () => {
    await using stage = await setStage({ validateStatus: null });
    const auth = { username: "mine", password: "word" };
    expect((await stage.client.get("/users", { auth })).status).toBe(401);
    expect(stage.authorizations()).toEqual([`Basic ${btoa("mine:word")}`]);
    expect(stage.tokenRequests).toBe(0);
  });

  it("are absent when they are undefined, or when `auth` is null", async () => {
    await using stage = await setStage();
    const none = { auth: undefined, headers: { Authorization: undefined } } as unknown as AxiosRequestConfig;
    const noAuth = { auth: null } as unknown as AxiosRequestConfig;
    for (const config of [none, noAuth]) expect((await stage.client.get("/users", config)).status).toBe(200);
  });

  it("make way for the token under a name in lower case that has no value", async () => {
    await using stage = await setStage();
    const seen: unknown[] = [];
    const adapter: AxiosAdapter = (config) => {
      seen.push(...Object.entries(config.headers).filter(([name]) => /^authorization$/i.test(name)));
      return getAdapter("http")(config);
    };
    const headers = { authorization: undefined } as unknown as Record<string, string>;
    expect((await stage.client.get("/users", { adapter, headers })).status).toBe(200);
    expect(seen).toEqual([["authorization", (await stage.source.getToken()).authorization]]);
  });

  it("are left alone when they are false, which keeps the header away", async () => {
    await using stage = await setStage({ validateStatus: null });
    expect((await stage.client.get("/users", { headers: { authorization: false } })).status).toBe(401);
    expect(stage.authorizations()).toEqual([undefined]);
    expect(stage.tokenRequests).toBe(0);
  });
});

describe("the config of the caller", () => {
  it("is unchanged, also on the response", async () => {
    await using stage = await setStage();
    await stage.useRefusedToken();
    const beforeRedirect = (): void => {};
    const config = Object.freeze({
      url: "/echo",
      method: "POST",
      data: Object.freeze({ name: "Ada" }),
      params: Object.freeze({ page: 2 }),
      headers: Object.freeze({ "X-Trace": "1" }),
      timeout: 5_000,
      beforeRedirect,
    } satisfies AxiosRequestConfig);
    const before = structuredClone({ ...config, beforeRedirect: undefined });
    const response = await stage.client.request(config);
    expect(structuredClone({ ...config, beforeRedirect: undefined })).toEqual(before);
    expect(stage.apiRequests).toHaveLength(2);
    expect(response.config).toMatchObject({
      url: "/echo",
      data: '{"name":"Ada"}',
      timeout: 5_000,
      beforeRedirect,
    });
    expect(response.config.headers).toBeInstanceOf(AxiosHeaders);
    expect(response.config.headers.has("authorization")).toBe(false);
    expect(response.config.baseURL).toBeUndefined();
    expect(response.config.timeoutErrorMessage).toBeUndefined();
  });

  it.each<[name: string, keep: (config: InternalAxiosRequestConfig) => InternalAxiosRequestConfig]>([
    ["an object of its own", (config) => ({ ...config })],
    ["a frozen object", (config) => Object.freeze({ ...config })],
    [
      "a frozen object without a prototype",
      (config) => Object.freeze(Object.assign(Object.create(null), config)),
    ],
  ])("is unchanged when an interceptor that runs earlier returns %s", async (_, keep) => {
    await using stage = await setStage();
    const kept: InternalAxiosRequestConfig[] = [];
    stage.client.interceptors.request.use((config) => {
      kept.push(keep(config));
      return kept.at(-1) as InternalAxiosRequestConfig;
    });
    const adapter: AxiosAdapter = (config) => getAdapter("http")(config);
    const httpAgent = new Agent();
    expect((await stage.client.get("/users", { adapter, httpAgent })).status).toBe(200);
    expect(kept).toMatchObject([{ url: "/users", adapter, httpAgent }]);
  });

  it("serves a later request, which gets the current token", async () => {
    await using stage = await setStage();
    const first = await stage.client.get("/echo?n=1");
    stage.talkdesk.faults.revokeTokens();
    const second = await stage.client.request({ ...first.config, url: "/echo?n=2" });
    expect(second.data.path).toBe("/echo?n=2");
    // No adapter was put around another.
    expect(second.config.adapter).toBe(first.config.adapter);
    expect(stage.apiRequests.map(({ status }) => status)).toEqual([200, 401, 200]);
  });
});

describe("addresses", () => {
  it.each<[config: AxiosRequestConfig, path: string]>([
    [{ url: "/users" }, "/users"],
    [{ url: "users?page=2" }, "/users?page=2"],
    [{ url: "" }, "/"],
    [{}, "/"],
    [{ url: "/users", baseURL: "" }, "/users"],
    [{ url: "/users", params: { page: 2, q: "a b&c" } }, "/users?page=2&q=a+b%26c"],
    [{ url: "/users?a=1", params: { b: [1, 2] } }, "/users?a=1&b%5B%5D=1&b%5B%5D=2"],
    [{ url: "/users", params: { a: 1 }, paramsSerializer: { serialize: () => "own=1" } }, "/users?own=1"],
    [{ url: "/users", allowAbsoluteUrls: false }, "/users"],
  ])("without a baseURL are the gateway's: %j", async (config, path) => {
    await using stage = await setStage({ validateStatus: null });
    await stage.client.request(config);
    const { authorization } = await stage.source.getToken();
    expect(stage.apiRequests).toMatchObject([{ url: path, region: "us", headers: { authorization } }]);
  });

  it.each<[base: string, url: string, path: string]>([
    ["", "users", "/users"],
    ["/", "/users", "/users"],
    ["/v1", "/users", "/v1/users"],
    ["/v1/", "users", "/v1/users"],
    ["/v1", "", "/v1"],
  ])("are put together as axios does, with the path %j in baseURL, and %j", async (base, url, path) => {
    await using stage = await setStage({ validateStatus: null });
    await stage.client.get(url, { baseURL: `${stage.api}${base}` });
    const { authorization } = await stage.source.getToken();
    expect(stage.apiRequests).toMatchObject([{ url: path, headers: { authorization } }]);
  });

  it("of another origin pass without a token, wherever they are written", async () => {
    await using stage = await setStage({ validateStatus: null });
    await stage.client.get("/users", { baseURL: stage.otherApi });
    await stage.client.get(`${stage.otherApi}/users`, { baseURL: stage.api });
    await stage.client.get(`${stage.otherApi}/users`);
    await stage.client.get(`${stage.otherApi}/users`, { allowAbsoluteUrls: false });
    expect(stage.apiRequests.map(({ region }) => region)).toEqual(["eu", "eu", "eu", "eu"]);
    expect(stage.tokenRequests).toBe(0);
  });

  it("of the gateway have the token, with any baseURL", async () => {
    await using stage = await setStage({ baseURL: "https://elsewhere.example" });
    expect((await stage.client.get(`${stage.api}/users`)).status).toBe(200);
  });

  it.each<[name: string, write: (api: string) => string]>([
    ["a space before them", (api) => ` ${api}/users`],
    ["a scheme in capitals", (api) => api.replace("http:", "HTTP:").concat("/users")],
    ["a parent directory", (api) => `${api}/other/../users`],
    ["a character that is encoded", (api) => `${api}/users?q=é`],
  ])("of the gateway have the token when they have to be parsed: %s", async (_, write) => {
    await using stage = await setStage();
    expect((await stage.client.get(write(stage.api))).status).toBe(200);
    expect(stage.apiRequests).toMatchObject([{ url: expect.stringMatching(/^\/users/) }]);
  });

  it("of another origin pass without a token when they begin with the gateway as a user", async () => {
    await using stage = await setStage({ validateStatus: null });
    await stage.client.get(`${stage.api}@${new URL(stage.otherApi).host}/users`);
    expect(stage.apiRequests).toMatchObject([{ region: "eu" }]);
    expect(stage.tokenRequests).toBe(0);
  });

  it("that are absolute, where they must not be, stay on the gateway", async () => {
    await using stage = await setStage({ validateStatus: null });
    await stage.client.get(`${stage.otherApi}/users`, { baseURL: stage.api, allowAbsoluteUrls: false });
    const { authorization } = await stage.source.getToken();
    expect(stage.apiRequests).toMatchObject([
      { url: `/${stage.otherApi}/users`, region: "us", headers: { authorization } },
    ]);
  });

  it("that are malformed are axios' own error", async () => {
    await using stage = await setStage();
    await expect(stage.client.get("http://")).rejects.toThrow(/invalid url/i);
    expect(stage.talkdesk.requests.all).toEqual([]);
  });
});

describe("a refusal", () => {
  it("is replaced by the second answer also where validateStatus accepts it", async () => {
    await using stage = await setStage({ validateStatus: (status) => status < 500 });
    await stage.useRefusedToken();
    const { status, data } = await stage.client.get("/users");
    expect([status, data.page]).toEqual([200, 1]);
    expect(stage.apiRequests).toHaveLength(2);
  });

  it.each<[name: string, validateStatus: AxiosRequestConfig["validateStatus"]]>([
    ["resolves", () => true],
    ["rejects", (status) => status === 200],
  ])("that stands %s as validateStatus says", async (outcome, validateStatus) => {
    await using stage = await setStage({ validateStatus: validateStatus ?? null });
    const call = stage.client.get("/echo?status=401");
    const { status, data } =
      outcome === "resolves" ? await call : ((await catchAxiosError(call)).response as never);
    expect([status, (data as { path: string }).path]).toEqual([401, "/echo?status=401"]);
  });

  it("is a success for a caller whose validateStatus accepts only 401", async () => {
    await using stage = await setStage({ validateStatus: (status) => status === 401 });
    const error = await catchAxiosError(stage.client.get("/users"));
    expect(error.response?.status).toBe(200);
    const { status } = await stage.client.get("/echo?status=401");
    expect(status).toBe(401);
  });
});

describe("the making", () => {
  const api = "https://api.talkdeskapp.com";
  const source: TokenSource = { api, getToken: () => new Promise(() => {}) };

  it.each<[name: string, source: unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a client", { api }],
    ["the function that makes sources", clientCredentials],
    ["an instance of axios", axios],
    ["a source without an api", { getToken: async () => undefined }],
    ["a source with a path in its api", { api: `${api}/v1`, getToken: async () => undefined }],
    ["a source in the clear", { api: "http://api.talkdeskapp.com", getToken: async () => undefined }],
  ])("is a TypeError with %s for a source", (_, value) => {
    expect(() => talkdeskAxios(value as TokenSource)).toThrow(TypeError);
  });

  it.each<[origins: unknown]>([
    [["http://files.example.com"]],
    [["https://files.example.com/path"]],
    [["files.example.com"]],
    [[undefined]],
    ["https://files.example.com"],
    [{}],
  ])("is a TypeError with %j for origins", (origins) => {
    expect(() => talkdeskAxios(source, { origins: origins as string[] })).toThrow(TypeError);
  });

  it.each(["https://files.example.com", "https://files.example.com/", "http://[::1]:3000"])(
    "takes %s for an origin",
    (origin) => {
      expect(talkdeskAxios(source, { origins: [origin] })).toBeTypeOf("function");
    },
  );
});
