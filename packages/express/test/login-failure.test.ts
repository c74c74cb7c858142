import type { TalkdeskError } from "@talkdesk-oauth/core";
import { afterEach, describe, expect, it } from "vitest";
import { type LoginStage, type LoginStageOptions, openLoginStage } from "./support/login-stage.js";
import { frameworks } from "./support/served.js";

let stage: LoginStage;
const open = async (options?: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(() => stage[Symbol.asyncDispose]());

describe.each(frameworks)("onError in %s", (_name, framework) => {
  it("answers a login that failed", async () => {
    const told: TalkdeskError[] = [];
    await open({
      framework,
      login: {
        onError(error, request, response) {
          told.push(error);
          response.status(418).json({ code: error.code, path: request.path });
        },
      },
    });
    const page = await stage.browser().visit("/auth/callback?state=none&code=c");
    expect([page.status, JSON.parse(page.text)]).toEqual([
      418,
      { code: "state_mismatch", path: "/callback" },
    ]);
    expect(page.headers["cache-control"]).toBe("no-store");
    expect(told).toHaveLength(1);
    expect(stage.errors).toEqual([]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("the handler's own");
      },
    ],
    [
      "rejects",
      async () => {
        throw new Error("the handler's own");
      },
    ],
    [
      "hands on",
      (_error: unknown, _request: unknown, _response: unknown, next: (error: unknown) => void) =>
        next(new Error("the handler's own")),
    ],
  ] as const)("that %s is the app's to answer for", async (_how, onError) => {
    await open({ framework, login: { onError } });
    const page = await stage.browser().visit("/auth/callback");
    expect([page.status, page.text]).toEqual([500, "unanswered"]);
    expect(stage.errors).toEqual([expect.objectContaining({ message: "the handler's own" })]);
  });

  it("does not let the request pass when it rejects with undefined", async () => {
    await open({ framework, login: { onError: () => Promise.reject(undefined) } });
    expect((await stage.browser().visit("/auth/callback")).status).toBe(500);
    expect(stage.errors).toEqual([expect.any(Error)]);
  });

  it("may pass the error to next", async () => {
    await open({ framework, login: { onError: (error, _request, _response, next) => next(error) } });
    expect(
      (await stage.browser().visit("/auth/callback", { headers: { accept: "application/json" } })).status,
    ).toBe(502);
  });
});
