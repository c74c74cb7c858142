import axios from "axios";
import { describe, expect, it, vi } from "vitest";
import { setStage } from "./support/authorized-stage.js";
import { catchAxiosError } from "./support/catch-axios-error.js";
import { describeAxios } from "./support/describe-axios.js";
import { describeRedirectedTokens } from "./support/describe-redirected-tokens.js";
import { describeRoutes } from "./support/describe-routes.js";
import { expectNoToken } from "./support/expect-no-token.js";

vi.mock("axios", () => import("axios-oldest"));

it("is about the oldest axios that is supported", () => {
  expect(axios.VERSION).toBe("1.16.1");
});

describeAxios("http");

describe("a redirect", () => {
  describeRedirectedTokens();
});

describeRoutes();

// Only this: the adapter `fetch` of this version does not report where redirects have led.
describe("the adapter `fetch`", () => {
  it("sends a token, and a refused request once more", async () => {
    await using stage = await setStage({ adapter: "fetch" });
    await stage.useRefusedToken();
    const { data } = await stage.client.post("/echo", { name: "Ada" });
    expect(data).toMatchObject({ text: '{"name":"Ada"}', headers: { "content-type": "application/json" } });
    expect(stage.apiRequests.map(({ status }) => status)).toEqual([401, 200]);
  });

  it("shows no token in an error, nor in the error that is its cause", async () => {
    await using stage = await setStage({ adapter: "fetch" });
    const error = await catchAxiosError(stage.client.get("/echo?status=404"));
    expect(error.response?.status).toBe(404);
    expect(error.cause).toBeInstanceOf(Error);
    expectNoToken(stage, error);
  });
});
