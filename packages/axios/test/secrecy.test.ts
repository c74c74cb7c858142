import { once } from "node:events";
import { Agent } from "node:http";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { answers, type CannedAnswer } from "@talkdesk-oauth/emulator";
import axios, { type AxiosRequestConfig } from "axios";
import { Agent as DispatcherAgent } from "undici";
import { describe, expect, it } from "vitest";
import { type AuthorizedStage, setStage } from "./support/authorized-stage.js";
import { catchAxiosError } from "./support/catch-axios-error.js";
import { expectNoToken } from "./support/expect-no-token.js";

const failures: Readonly<
  Record<string, { prepare?: (stage: AuthorizedStage) => unknown; config: AxiosRequestConfig; code: string }>
> = {
  "a status that validateStatus rejects": { config: { url: "/echo?status=404" }, code: "ERR_BAD_REQUEST" },
  "a second refusal": {
    config: { url: "/echo?status=401", method: "POST", data: "word" },
    code: "ERR_BAD_REQUEST",
  },
  "a refusal after which there is no token": {
    async prepare(stage) {
      await stage.useRefusedToken();
      stage.talkdesk.faults.add({ at: "token", respond: answers.oauthError("invalid_client", 401) });
    },
    config: { url: "/users" },
    code: "ERR_BAD_REQUEST",
  },
  "a connection that is reset": {
    prepare: ({ talkdesk }) => talkdesk.faults.add({ at: "api", reset: "before" }),
    config: { url: "/users" },
    code: "ECONNRESET|ERR_NETWORK",
  },
  "a response that is too long": {
    config: { url: "/large?bytes=5000", maxContentLength: 100 },
    code: "ERR_BAD_RESPONSE",
  },
  "a time that is up": {
    async prepare({ talkdesk, source }) {
      await source.getToken();
      talkdesk.faults.add({ at: "api", hang: true });
    },
    config: { url: "/users", timeout: 400 },
    code: "ECONNABORTED|ETIMEDOUT",
  },
};

describe.each(["http", "fetch"] as const)("an error of %s", (adapter) => {
  it.each(Object.keys(failures))("shows no token after %s", async (name) => {
    const { prepare, config, code } = failures[name] as (typeof failures)[string];
    await using stage = await setStage({ adapter, headers: { "x-trace": "of the caller" } });
    await prepare?.(stage);
    const error = await catchAxiosError(stage.client.request(config));
    expect(error.code).toMatch(new RegExp(`^(${code})$`));
    expectNoToken(stage, error);
    expect(error.request).toBeUndefined();
    expect(error).not.toHaveProperty("response.request");
    expect(error.config).toMatchObject({ url: config.url });
    expect(error.config?.headers.get("x-trace")).toBe("of the caller");
    if (error.response) expect(error.response.config).toBe(error.config);
  });

  it("shows no token after a response that is no JSON", async () => {
    await using stage = await setStage({ adapter, responseType: "json" });
    stage.talkdesk.faults.add({ at: "api", respond: answers.malformedJson() });
    const transitional = { silentJSONParsing: false };
    const error = await catchAxiosError(stage.client.get("/users", { transitional }));
    expect(error.code).toBe("ERR_BAD_RESPONSE");
    expectNoToken(stage, error);
  });

  it("shows no token while its own body is a stream, which can be read", async () => {
    await using stage = await setStage({ adapter, responseType: "stream" });
    await stage.source.getToken();
    const error = await catchAxiosError(stage.client.get("/echo?status=500"));
    expectNoToken(stage, { ...error, message: error.message, padding: "-".repeat(200) });
    expect(await text(error.response?.data as Readable)).toContain('"path":"/echo?status=500"');
  });

  it("shows no token when it comes while a response is read", async () => {
    await using stage = await setStage({ adapter, responseType: "stream" });
    const { data } = await stage.client.get("/large?bytes=500000", { maxContentLength: 100_000 }).catch(
      // On `fetch`, some versions reject at once when Content-Length exceeds the limit.
      (error) => ({ data: { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) } }),
    );
    const error = await catchAxiosError(text(data));
    expect(error.code).toBe("ERR_BAD_RESPONSE");
    expectNoToken(stage, error);
  });

  it("shows no token when a response of unknown length is read, and is too long", async () => {
    await using stage = await setStage({ adapter, responseType: "stream" });
    const body = async function* (): AsyncGenerator<string> {
      for (let chunk = 0; chunk < 50; chunk += 1) yield "0123456789".repeat(1_000);
    };
    stage.talkdesk.faults.add({ at: "api", respond: { status: 200, body } });
    const { data } = await stage.client.get("/users", { maxContentLength: 100_000 });
    const error = await catchAxiosError(text(data));
    expect(error.code).toBe("ERR_BAD_RESPONSE");
    expect(error.request).toBeUndefined();
    expectNoToken(stage, error);
  });

  it("shows no token when the caller aborts while a response is read", async () => {
    await using stage = await setStage({ adapter, responseType: "stream" });
    const giveUp = new AbortController();
    const { data } = await stage.client.get("/large?bytes=20000000", { signal: giveUp.signal });
    const reading = catchAxiosError(text(data));
    giveUp.abort();
    const error = await reading;
    expect(axios.isCancel(error)).toBe(true);
    expectNoToken(stage, { ...error, stack: error.stack, padding: "-".repeat(200) });
  });
});

describe("an error with an agent of the caller's", () => {
  async function withAgent(fail: (stage: AuthorizedStage) => Promise<unknown>): Promise<void> {
    const httpAgent = new Agent({ keepAlive: true });
    try {
      await using stage = await setStage({ httpAgent });
      const error = await catchAxiosError(fail(stage));
      // It can still be read by name, for a retry.
      expect(error.config?.httpAgent).toBe(httpAgent);
      expectNoToken(stage, error);
    } finally {
      httpAgent.destroy();
    }
  }

  it("shows no token when the answer is an error", () =>
    withAgent(({ client }) => client.get("/echo?status=500")));

  /** Leaves one request in flight on the agent, and has the next one wait for a token. */
  async function occupy(stage: AuthorizedStage): Promise<void> {
    stage.talkdesk.faults.add({ at: "api", hang: true });
    stage.client.get("/users").catch(() => {});
    await stage.talkdesk.requests.waitFor(({ to }) => to === "api");
    stage.talkdesk.faults.revokeTokens();
    stage.talkdesk.faults.add({ at: "token", hang: true });
  }

  it("shows no token when the time is up, also while another request is under way", () =>
    withAgent(async (stage) => {
      await occupy(stage);
      return stage.client.get("/echo", { timeout: 400 });
    }));

  it("shows no token when the caller aborts, also while another request is under way", () =>
    withAgent(async (stage) => {
      await occupy(stage);
      const giveUp = new AbortController();
      const abandoned = stage.client.get("/echo", { signal: giveUp.signal });
      await stage.talkdesk.requests.waitFor(() => stage.tokenRequests === 2);
      giveUp.abort();
      return abandoned;
    }));
});

interface Printed {
  readonly config: AxiosRequestConfig;
  readonly respond?: CannedAnswer;
}

const streamed: Readonly<Record<string, Printed>> = {
  "a stream": { config: { responseType: "stream" } },
  "a stream of limited length": { config: { responseType: "stream", maxContentLength: 50_000_000 } },
  "a stream with progress events": {
    config: { responseType: "stream", onDownloadProgress: () => {} },
  },
  "a compressed stream": {
    config: { responseType: "stream" },
    respond: { status: 200, headers: { "content-encoding": "gzip" }, body: gzipSync("x".repeat(5_000)) },
  },
};

describe.each(["http", "fetch"] as const)("a streamed response of %s", (adapter) => {
  it.each(Object.keys(streamed))("shows no token, before, while and after it is read: %s", async (name) => {
    const { config, respond } = streamed[name] as Printed;
    const httpAgent = new Agent({ keepAlive: true });
    try {
      await using stage = await setStage({ adapter, httpAgent });
      if (respond !== undefined) stage.talkdesk.faults.add({ at: "api", respond });
      const response = await stage.client.get("/large?bytes=500000", config);
      expectNoToken(stage, response);
      const reader = response.data[Symbol.asyncIterator]();
      await reader.next();
      expectNoToken(stage, response);
      for await (const _ of { [Symbol.asyncIterator]: () => reader }) expect(response.status).toBe(200);
      expectNoToken(stage, response);
      // It can still be read by name, for a retry.
      expect(response.config.httpAgent).toBe(httpAgent);
    } finally {
      httpAgent.destroy();
    }
  });

  it("shows no token when validateStatus takes a refusal that stands", async () => {
    await using stage = await setStage({ adapter, responseType: "stream", validateStatus: null });
    const response = await stage.client.get("/echo?status=401");
    expectNoToken(stage, response);
    expect(await text(response.data)).toContain('"path":"/echo?status=401"');
  });
});

describe("the caller's own connections, while a request is under way on them,", () => {
  it.each<[name: string, config: AxiosRequestConfig, fail: boolean]>([
    ["a response", {}, false],
    ["an error", { params: { status: 500 } }, true],
    [
      "a response that is no JSON",
      { responseType: "json", transitional: { silentJSONParsing: false } },
      true,
    ],
    ["a request that is cancelled before it is sent", { signal: AbortSignal.abort() }, true],
  ])("are not shown by %s", async (_, config, fail) => {
    const httpAgent = new Agent({ keepAlive: true });
    const dispatcher = new DispatcherAgent();
    try {
      await using stage = await setStage({ httpAgent, fetchOptions: { dispatcher } } as never);
      await stage.source.getToken();
      const giveUp = new AbortController();
      for (const adapter of ["http", "fetch"] as const) {
        stage.talkdesk.faults.add({ at: "api", hang: true });
        stage.client.get("/users", { adapter, signal: giveUp.signal }).catch(() => {});
      }
      await stage.talkdesk.requests.waitFor(() => stage.apiRequests.length === 2);
      if ("responseType" in config)
        stage.talkdesk.faults.add({ at: "api", respond: answers.malformedJson() });
      const call = stage.client.get("/echo", config);
      expectNoToken(stage, fail ? await catchAxiosError(call) : await call);
      giveUp.abort();
    } finally {
      httpAgent.destroy();
      await dispatcher.destroy();
    }
  });

  it("can be replaced when an error's request is sent again", async () => {
    await using stage = await setStage({ httpAgent: new Agent() });
    const { config } = await catchAxiosError(stage.client.get("/echo?status=500"));
    const other = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      (config as AxiosRequestConfig).httpAgent = other;
      await stage.client.request({ ...config, url: "/users" });
      await stage.client.request({ ...config, url: "/users" });
      expect(new Set(stage.apiRequests.slice(1).map(({ connection }) => connection)).size).toBe(1);
    } finally {
      other.destroy();
    }
  });
});

describe("a response", () => {
  it.each(["http", "fetch"] as const)("of %s shows no token", async (adapter) => {
    await using stage = await setStage({ adapter });
    await stage.useRefusedToken();
    expectNoToken(stage, await stage.client.post("/echo", { name: "Ada" }));
  });

  it("has the URL that a redirect has led to, and nothing else of its request", async () => {
    await using stage = await setStage();
    stage.talkdesk.faults.add({ at: "api", respond: answers.redirect("/users?page=1") });
    const { request } = await stage.client.get("/moved");
    expect(request).toEqual({ res: { responseUrl: `${stage.api}/users?page=1` } });
  });

  it("that is a stream fails as it does without the interceptor, also without a listener", async () => {
    await using stage = await setStage({ responseType: "stream" });
    const { authorization } = await stage.source.getToken();
    const own = { responseType: "stream", headers: { authorization } } as const;
    const bare = await axios.get(`${stage.api}/users`, own);
    const listeners = bare.data.listenerCount("error");
    bare.data.resume();
    stage.talkdesk.faults.add({ at: "api", reset: "body" });
    const { data } = await stage.client.get("/users");
    const listening = data.listenerCount("error");
    data.resume();
    const [error] = await once(data, "error");
    expect(listening).toBe(listeners);
    expect(error.code).toBe("ECONNRESET");
  });
});
