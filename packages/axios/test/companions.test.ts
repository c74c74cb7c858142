import { Agent } from "node:http";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { answers } from "@talkdesk-oauth/emulator";
import axios, { type AxiosInstance } from "axios";
import { setupCache } from "axios-cache-interceptor";
import axiosRetry from "axios-retry";
import { describe, expect, it } from "vitest";
import { type AuthorizedStage, setStage } from "./authorized-stage.js";
import { axiosErrorOf } from "./rejection.js";

type Install = (client: AxiosInstance, stage: AuthorizedStage) => void;

/** Both orders in which two interceptors can be put on an instance. */
function inBothOrders(companion: (client: AxiosInstance) => unknown): [order: string, install: Install][] {
  const authorize: Install = (client, { source }) =>
    void client.interceptors.request.use(talkdeskAxios(source));
  return [
    [
      "before",
      (client, stage) => {
        authorize(client, stage);
        companion(client);
      },
    ],
    [
      "after",
      (client, stage) => {
        companion(client);
        authorize(client, stage);
      },
    ],
  ];
}

describe.each(inBothOrders((client) => axiosRetry(client, { retries: 2, retryDelay: () => 0 })))(
  "axios-retry, with ours put on %s it,",
  (_, install) => {
    it("retries after a 503, with the token of its day", async () => {
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
      const error = await axiosErrorOf(client.get("/echo?status=401"));
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

describe.each(inBothOrders((client) => setupCache(client)))(
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
