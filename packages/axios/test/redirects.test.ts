import { answers } from "@talkdesk-oauth/emulator";
import type { AxiosAdapter, AxiosRequestConfig } from "axios";
import { describe, expect, it } from "vitest";
import { setStage } from "./support/authorized-stage.js";
import { catchAxiosError } from "./support/catch-axios-error.js";
import { describeRedirectedTokens } from "./support/describe-redirected-tokens.js";

describe("a redirect", () => {
  it.each(["http", "fetch"] as const)("is the caller's with maxRedirects 0, on %s", async (adapter) => {
    await using stage = await setStage({ adapter, maxRedirects: 0 });
    stage.talkdesk.faults.add({ at: "api", times: 2, respond: answers.redirect("/users") });
    const error = await catchAxiosError(stage.client.get("/moved"));
    expect(error.response).toMatchObject({ status: 302, headers: { location: "/users" } });
    const { status } = await stage.client.get("/moved", { validateStatus: (code) => code === 302 });
    expect(status).toBe(302);
    expect(stage.apiRequests).toHaveLength(2);
    expect((await stage.client.get("/users")).status).toBe(200);
  });

  it("does not keep a refused request from being sent again with maxRedirects 0", async () => {
    await using stage = await setStage({ maxRedirects: 0 });
    await stage.useRefusedToken();
    expect((await stage.client.post("/echo", "word")).status).toBe(200);
    expect(stage.apiRequests).toHaveLength(2);
  });

  describeRedirectedTokens();

  it("calls the caller's beforeRedirect, once for each hop", async () => {
    await using stage = await setStage();
    stage.talkdesk.faults.add({ at: "api", respond: answers.redirect("/second") });
    stage.talkdesk.faults.add({ at: "api", respond: answers.redirect("/users", 307) });
    const hops: unknown[] = [];
    const beforeRedirect: NonNullable<AxiosRequestConfig["beforeRedirect"]> = (options, { statusCode }) => {
      hops.push([options["path"], statusCode]);
      options["headers"]["x-hop"] = String(hops.length);
    };
    const { config } = await stage.client.get("/first", { beforeRedirect });
    expect(hops).toEqual([
      ["/second", 302],
      ["/users", 307],
    ]);
    expect(stage.apiRequests.map(({ headers }) => headers["x-hop"])).toEqual([undefined, "1", "2"]);
    expect(config.beforeRedirect).toBe(beforeRedirect);
  });

  it.each<[where: string, end: (api: string) => string, sent: number, tokenRequests: number]>([
    ["nowhere", (api) => `${api}/moved`, 2, 2],
    ["to another path", (api) => `${api}/users`, 1, 2],
    ["to another origin", () => "https://elsewhere.example/moved", 1, 1],
  ])("that an adapter reports by responseURL, %s, decides about a refusal", async (_, end, sent, tokens) => {
    await using stage = await setStage({ validateStatus: null });
    let sendings = 0;
    const adapter: AxiosAdapter = async (config) => {
      sendings += 1;
      const request = { responseURL: end(stage.api) };
      return { data: "", status: 401, statusText: "", headers: {}, config, request };
    };
    const { request } = await stage.client.post("/moved", "word", { adapter });
    expect(request).toEqual({ responseURL: end(stage.api) });
    expect([sendings, stage.tokenRequests]).toEqual([sent, tokens]);
  });

  it("is not followed when the caller's beforeRedirect throws", async () => {
    await using stage = await setStage();
    stage.talkdesk.faults.add({ at: "api", respond: answers.redirect("/users") });
    const call = stage.client.get("/moved", {
      beforeRedirect() {
        throw new Error("no further");
      },
    });
    await expect(call).rejects.toThrow("no further");
    expect(stage.apiRequests).toHaveLength(1);
  });
});
