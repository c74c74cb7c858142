import { memoryStore } from "@talkdesk-oauth/core";
import { expect, it } from "vitest";
import { openLoginStage, openSecondStage } from "./support/login-stage.js";

it("processes that share no store of tokens show a page after three logins, in place of a loop", async () => {
  await using stage = await openLoginStage();
  await using other = await openSecondStage(stage, { login: { store: memoryStore() } });
  const browser = stage.browser();
  const there = other.browser();
  for (let logins = 1; logins <= 3; logins++) {
    await browser.signIn();
    for (const [name, value] of browser.cookies) there.cookies.set(name, value);
    const page = await there.visit("/me");
    expect(page.status).toBe(logins < 3 ? 302 : 401);
    if (logins === 3) expect(page.text).toContain('href="/auth/login?returnTo=%2Fme"');
  }
  // Asked again, it still begins no loop.
  expect((await there.visit("/me")).status).toBe(401);
});
