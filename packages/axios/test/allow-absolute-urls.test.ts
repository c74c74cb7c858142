import axios from "axios";
import { expect, it, vi } from "vitest";
import { setStage } from "./authorized-stage.js";

// Its getUri obeys allowAbsoluteUrls, and what sends does not.
vi.mock("axios", () => import("axios-1-8"));

it("sends no token to an absolute URL that allowAbsoluteUrls is to keep on the gateway", async () => {
  expect(axios.VERSION).toBe("1.8.1");
  await using stage = await setStage({ validateStatus: null, allowAbsoluteUrls: false });
  await stage.client.get(`${stage.otherApi}/users`, { baseURL: stage.api });
  const { authorization } = await stage.source.getToken();
  expect(stage.apiRequests).toMatchObject([
    { url: `/${stage.otherApi}/users`, region: "us", headers: { authorization } },
  ]);
});
