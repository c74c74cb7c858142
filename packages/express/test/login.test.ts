import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { grantsOf, type LoginStage, openLoginStage, sessionsOf } from "./login-stage.js";
import { frameworks } from "./served.js";

describe.each(frameworks)("a login in %s", (_name, framework) => {
  let stage: LoginStage;
  beforeEach(async () => {
    stage = await openLoginStage({ framework });
  });
  afterEach(() => stage[Symbol.asyncDispose]());

  it("signs a browser in, says who it is, and calls the API for it", async () => {
    const browser = stage.browser();
    const nobody = await browser.visit("/");
    expect(JSON.parse(nobody.text)).toEqual({ isSignedIn: false, user: null });

    const back = await browser.signIn("?returnTo=/contacts%3Fpage=2%23top");
    expect([back.status, back.to]).toEqual([302, "/contacts?page=2#top"]);

    const somebody = JSON.parse((await browser.visit("/")).text);
    const me = JSON.parse((await browser.visit("/me")).text);
    expect(somebody).toEqual({ isSignedIn: true, user: { sub: expect.any(String) } });
    expect(me.email).toMatch(/@/);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
    expect(stage.errors).toEqual([]);
  });

  it("has nobody keep or pass on the address of a callback", async () => {
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    const answers = [
      await browser.visit("/auth/login"),
      await browser.visit(callback),
      await stage.browser().visit(callback),
    ];
    expect(answers.map(({ status }) => status)).toEqual([302, 302, 400]);
    for (const { headers } of answers) {
      expect(headers).toMatchObject({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
    }
  });

  it("lets several tabs sign in side by side, each to where it was", async () => {
    const browser = stage.browser();
    const first = await browser.toTalkdesk("?returnTo=/first");
    const second = await browser.toTalkdesk("?returnTo=/second");
    const [third, fourth] = await Promise.all([
      browser.toTalkdesk("?returnTo=/third"),
      browser.toTalkdesk("?returnTo=/fourth"),
    ]);
    expect((await browser.visit(second)).to).toBe("/second");
    expect((await browser.visit(first)).to).toBe("/first");
    expect((await browser.visit(fourth)).to).toBe("/fourth");
    expect((await browser.visit(third)).to).toBe("/third");
    expect(JSON.parse((await browser.visit("/")).text).isSignedIn).toBe(true);
  });

  it("ends the earlier sign-in of the browser in the store", async () => {
    const browser = stage.browser();
    await browser.signIn();
    const [first] = stage.tokens.records.keys();
    await browser.signIn();
    expect([...stage.tokens.records.keys()]).toHaveLength(1);
    expect([...stage.tokens.records.keys()]).not.toContain(first);
    expect(JSON.parse((await browser.visit("/me")).text).email).toMatch(/@/);
    expect(sessionsOf(stage)).toHaveLength(1);
  });
});
