import type { InternalAxiosRequestConfig } from "axios";
import { describe, expect, it } from "vitest";
import { type AuthorizedStage, setStage } from "./support/authorized-stage.js";

describe("a URL object", () => {
  it("is a URL, also where there is a baseURL", async () => {
    await using stage = await setStage({ baseURL: "https://elsewhere.example/v1" });
    const url = new URL(`${stage.api}/users?page=2`) as never;
    expect((await stage.client.get(url)).status).toBe(200);
    expect((await stage.client.request({ url, baseURL: "" })).status).toBe(200);
    expect(stage.apiRequests.map((request) => request.url)).toEqual(["/users?page=2", "/users?page=2"]);
  });

  it("of another origin passes without a token", async () => {
    await using stage = await setStage({ validateStatus: null });
    await stage.client.get(new URL(`${stage.otherApi}/users`) as never);
    expect(stage.authorizations()).toEqual([undefined]);
    expect(stage.tokenRequests).toBe(0);
  });

  it("may be the baseURL", async () => {
    await using stage = await setStage();
    const baseURL = new URL(stage.api) as never;
    expect((await stage.client.get("/users", { baseURL })).status).toBe(200);
  });
});

interface Change {
  readonly given: (stage: AuthorizedStage) => object;
  /** Changes the given objects, or the config that an interceptor has seen. */
  readonly change: (given: never, seen: InternalAxiosRequestConfig, stage: AuthorizedStage) => void;
}

const changes: Readonly<Record<string, Change>> = {
  "a URL object": {
    given: ({ api }) => ({ url: new URL(`${api}/echo?a=1`), params: undefined }),
    change: ({ url }: { url: URL }, _, { otherApi }) => {
      url.href = `${otherApi}/stolen`;
    },
  },
  "the URL of the config": {
    given: () => ({}),
    change: (_, seen, { otherApi }) => {
      seen.url = `${otherApi}/stolen`;
    },
  },
  "the baseURL of the config": {
    given: ({ api }) => ({ baseURL: api }),
    change: (_, seen, { otherApi }) => {
      seen.baseURL = otherApi;
    },
  },
  URLSearchParams: {
    given: () => ({ params: new URLSearchParams({ a: "1" }) }),
    change: ({ params }: { params: URLSearchParams }) => params.set("a", "2"),
  },
  "params of the config": {
    given: () => ({}),
    change: (_, seen) => {
      seen.params.a = "2";
    },
  },
  "the params' serializer": {
    given: () => ({ paramsSerializer: { serialize: () => "a=1" } }),
    change: (_, seen) => {
      seen.paramsSerializer = { serialize: () => "a=2" };
    },
  },
  headers: {
    given: () => ({}),
    change: (_, seen) => seen.headers.set("x-trace", "2"),
  },
  "an Authorization of the caller's that comes late": {
    given: () => ({}),
    change: (_, seen) => seen.headers.set("Authorization", "Bearer late"),
  },
  "a buffer": {
    given: () => ({ data: Buffer.from("as it was") }),
    change: ({ data }: { data: Buffer }) => void data.fill(120),
  },
  "a FormData": {
    given: () => {
      const data = new FormData();
      data.set("a", "as it was");
      return { data };
    },
    change: ({ data }: { data: FormData }) => data.set("a", "changed"),
  },
  "the data of the config": {
    given: () => ({ data: "as it was" }),
    change: (_, seen) => {
      seen.data = "changed";
    },
  },
  "the method of the config": {
    given: () => ({}),
    change: (_, seen) => {
      seen.method = "delete";
    },
  },
  "a socket path that comes late": {
    given: () => ({}),
    change: (_, seen) => {
      seen.socketPath = "/nowhere/socket";
    },
  },
};

describe.each(["http", "fetch"] as const)("what changes during the wait for a token, on %s,", (adapter) => {
  it.each(Object.keys(changes))("is sent as it was: %s", async (name) => {
    await using stage = await setStage({ adapter });
    const { given, change } = changes[name] as Change;
    const config = { ...given(stage) };
    let seen: InternalAxiosRequestConfig | undefined;
    stage.client.interceptors.request.use((internal) => internal);
    stage.talkdesk.faults.add({ at: "token", delayMs: 100 });
    const call = stage.client.request({
      method: "POST",
      url: "/echo",
      params: { a: "1" },
      data: "as it was",
      headers: { "x-trace": "1" },
      transformRequest: [
        function (this: InternalAxiosRequestConfig, data) {
          // An interceptor or a transform may keep the dispatched config.
          seen = this;
          return data;
        },
      ],
      ...config,
    });
    await stage.talkdesk.requests.waitFor(({ to }) => to === "token");
    change(config as never, seen as InternalAxiosRequestConfig, stage);
    expect((await call).status).toBe(200);
    const { authorization } = await stage.source.getToken();
    expect(stage.apiRequests).toMatchObject([
      {
        method: "POST",
        url: "/echo?a=1",
        text: expect.stringContaining("as it was"),
        headers: { authorization, "x-trace": "1" },
      },
    ]);
  });
});
