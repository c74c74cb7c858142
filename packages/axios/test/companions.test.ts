import { Agent } from "node:http";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { accessToken, type ClosableTokenSource } from "@talkdesk-oauth/core";
import { answers } from "@talkdesk-oauth/emulator";
import axios, { type AxiosAdapter, type AxiosInstance } from "axios";
import { buildMemoryStorage, setupCache } from "axios-cache-interceptor";
import axiosRetry from "axios-retry";
import { describe, expect, it } from "vitest";
import { type AuthorizedStage, setStage } from "./support/authorized-stage.js";
import { catchAxiosError } from "./support/catch-axios-error.js";

type Storage = ReturnType<typeof buildMemoryStorage>;
type Install = (client: AxiosInstance, stage: Pick<AuthorizedStage, "source">, storage?: Storage) => void;

/** The two orders in which two interceptors can be installed. */
function inBothOrders(
  companion: (client: AxiosInstance, storage?: Storage) => unknown,
): [order: string, install: Install][] {
  const authorize: Install = (client, { source }) =>
    void client.interceptors.request.use(talkdeskAxios(source));
  return [
    [
      "before",
      (client, stage, storage) => {
        authorize(client, stage);
        companion(client, storage);
      },
    ],
    [
      "after",
      (client, stage, storage) => {
        companion(client, storage);
        authorize(client, stage);
      },
    ],
  ];
}

describe.each(inBothOrders((client) => axiosRetry(client, { retries: 2, retryDelay: () => 0 })))(
  "axios-retry, with ours put on %s it,",
  (_, install) => {
    it("retries after a 503, with the current token", async () => {
      await using stage = await setStage();
      const client = axios.create();
      install(client, stage);
      stage.talkdesk.faults.add({ at: "api", respond: answers.unavailable() });
      client.interceptors.response.use(undefined, (error) => {
        throw error;
      });
      await stage.source.getToken();
      const call = client.put("/echo", { name: "Ada" }, { params: { page: 2 } });
      await stage.talkdesk.requests.waitFor(({ status }) => status === 503);
      const { data } = await call;
      expect(data).toMatchObject({ path: "/echo?page=2", text: '{"name":"Ada"}' });
      const { authorization } = await stage.source.getToken();
      expect(stage.authorizations()).toEqual([authorization, authorization]);
    });

    it("retries with a fresh token where the first one is refused by then", async () => {
      await using stage = await setStage();
      const client = axios.create();
      install(client, stage);
      stage.talkdesk.faults.add({ at: "api", respond: answers.unavailable() });
      await stage.useRefusedToken();
      const { data } = await client.put("/echo", { name: "Ada" });
      expect(data.text).toBe('{"name":"Ada"}');
      expect(stage.apiRequests.map(({ status }) => status)).toEqual([503, 401, 200]);
      for (const { rawHeaders } of stage.apiRequests) {
        expect(rawHeaders.filter((name) => /^authorization$/i.test(name))).toHaveLength(1);
      }
    });

    it("does not retry a refusal that stands", async () => {
      await using stage = await setStage();
      const client = axios.create();
      install(client, stage);
      const error = await catchAxiosError(client.get("/echo?status=401"));
      expect(error.response?.status).toBe(401);
      expect(stage.apiRequests).toHaveLength(2);
    });

    it("retries over the agent that the caller chose for the request", async () => {
      await using stage = await setStage();
      const client = axios.create();
      install(client, stage);
      stage.talkdesk.faults.add({ at: "api", respond: answers.unavailable() });
      const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
      try {
        expect((await client.get("/users", { httpAgent })).status).toBe(200);
        expect(new Set(stage.apiRequests.map(({ connection }) => connection)).size).toBe(1);
      } finally {
        httpAgent.destroy();
      }
    });
  },
);

/** Makes a source whose requests are answered with the owner's name. */
function makeSource({ talkdesk, api }: AuthorizedStage, owner: string): ClosableTokenSource {
  const token = accessToken({ value: `token-of-${owner}`, expiresAt: Date.now() + 600_000 });
  talkdesk.faults.add({
    at: "api",
    match: { authorization: token.authorization },
    times: Number.POSITIVE_INFINITY,
    respond: {
      status: 200,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ owner }),
    },
  });
  const close = async (): Promise<void> => {};
  return { api, getToken: async () => token, close, [Symbol.asyncDispose]: close };
}

describe.each(inBothOrders((client, storage) => setupCache(client, storage && { storage })))(
  "axios-cache-interceptor, with ours put on %s it,",
  (_, install) => {
    it("answers from its cache without asking the gateway again", async () => {
      await using stage = await setStage();
      const client = axios.create();
      install(client, stage);
      const first = await client.get("/users");
      const second = await client.get("/users");
      const other = await client.get("/users?page=1");
      expect(second.data).toEqual(first.data);
      expect([first, second].map((response) => (response as { cached?: boolean }).cached)).toEqual([
        false,
        true,
      ]);
      expect(other.status).toBe(200);
      expect(stage.apiRequests.map(({ url }) => url)).toEqual(["/users", "/users?page=1"]);
    });

    it("answers from its cache without a token, also when no token is available", async () => {
      await using stage = await setStage();
      const client = axios.create();
      install(client, stage);
      const first = await client.get("/users");
      await stage.source.close();
      const second = await client.get("/users");
      expect(second.data).toEqual(first.data);
      expect(stage.tokenRequests).toBe(1);
      await expect(client.get("/users?page=1")).rejects.toMatchObject({ code: "source_closed" });
    });

    it("caches what comes without a token from another origin", async () => {
      await using stage = await setStage();
      const client = axios.create();
      install(client, stage);
      const respond = { status: 200, body: "for anybody" };
      stage.talkdesk.faults.add({ at: "api", match: { region: "eu" }, respond });
      await client.get(`${stage.otherApi}/users`);
      const { data } = await client.get(`${stage.otherApi}/users`);
      expect(data).toBe("for anybody");
      expect(stage.apiRequests).toHaveLength(1);
    });

    it("does not give the cached response of one source to another source", async () => {
      await using stage = await setStage();
      const storage = buildMemoryStorage();
      const sources = { alice: makeSource(stage, "alice"), bob: makeSource(stage, "bob") };
      const answers: unknown[] = [];
      for (const owner of ["alice", "bob", "alice", "bob"] as const) {
        const client = axios.create();
        install(client, { source: sources[owner] }, storage);
        answers.push((await client.get("/users/me")).data);
        // The cache removes the transforms that parse JSON.
        answers.push((await client.get("/users/me", { id: "by-name" } as object)).data);
      }
      expect(answers).toEqual(
        ["alice", "alice", "bob", "bob", "alice", "alice", "bob", "bob"].map((owner) => ({ owner })),
      );
    });

    it("caches what answers the second sending, not the refusal", async () => {
      await using stage = await setStage();
      const client = axios.create();
      install(client, stage);
      await stage.useRefusedToken();
      const calls = Array.from({ length: 3 }, () => client.get("/users"));
      expect((await Promise.all(calls)).map(({ data }) => data.page)).toEqual([1, 1, 1]);
      expect(stage.apiRequests.map(({ status }) => status)).toEqual([401, 200]);
    });
  },
);

describe("a cached response that belongs to another source", () => {
  it("is replaced by the answer to the request as it was before the response was looked up", async () => {
    await using stage = await setStage();
    const client = axios.create();
    client.interceptors.request.use(talkdeskAxios(stage.source));
    const cachedAdapter: AxiosAdapter = async (config) => {
      config.data = "changed meanwhile";
      return { data: "of another source", status: 200, statusText: "OK", headers: {}, config };
    };
    await client.post("/echo", "as it was", { adapter: cachedAdapter });
    expect(stage.apiRequests.map(({ text }) => text)).toEqual(["as it was"]);
  });
});
