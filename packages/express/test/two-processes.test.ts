import { describe, expect, it } from "vitest";
import { clockAhead } from "./support/clock-ahead.js";
import { openLoginStage, openSecondStage, sessionsOf } from "./support/login-stage.js";

describe("an app that only asks for the user", () => {
  it("notices a logout at another process", async () => {
    const clock = clockAhead();
    await using stage = await openLoginStage({ client: { clock } });
    await using other = await openSecondStage(stage, { client: { clock } });
    const browser = stage.browser();
    await browser.signIn();
    const [{ talkdeskLogins } = { talkdeskLogins: {} }] = sessionsOf(stage);
    // A request is a session to the login. This one was read before the logout.
    const request = { session: { talkdeskLogins, regenerate() {}, save() {}, destroy() {} } };
    const userThere = () => other.login.user(request as never);
    expect(await userThere()).toEqual({ sub: expect.any(String) });
    await browser.visit("/auth/logout", { method: "POST" });
    clock.aheadMs = 10_000;
    expect(await userThere()).toBeUndefined();
  });
});
