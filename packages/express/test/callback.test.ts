import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { grantsOf, type LoginStage, openLoginStage } from "./support/login-stage.js";

describe("PKCE", () => {
  let protectedStage: LoginStage;
  beforeEach(async () => {
    protectedStage = await openLoginStage({ login: { pkce: true } });
  });
  afterEach(() => protectedStage[Symbol.asyncDispose]());

  /** Changes what is in the sessions' store. */
  const rewriteSessions = (rewrite: (text: string) => string): void => {
    const { sessions } = protectedStage.sessions as unknown as { sessions: Record<string, string> };
    for (const [id, text] of Object.entries(sessions)) sessions[id] = rewrite(text);
  };

  it("fails without its verifier, and is not left out", async () => {
    const browser = protectedStage.browser();
    const callback = await browser.toTalkdesk();
    rewriteSessions((text) => text.replace(/,"codeVerifier":"[^"]+"/, ""));
    expect((await browser.visit(callback)).text).toContain("authorization_failed");
    expect(grantsOf(protectedStage)).toEqual(["authorization_code"]);
    expect(JSON.parse((await browser.visit("/")).text).isSignedIn).toBe(false);
  });

  it("fails with the verifier of another login", async () => {
    const browser = protectedStage.browser();
    const first = await browser.toTalkdesk();
    const second = await browser.toTalkdesk();
    rewriteSessions((text) => {
      const [one = "", other = ""] = [...text.matchAll(/"codeVerifier":"([^"]+)"/g)].map(([, v]) => v ?? "");
      return text.replace(one, "swapped").replace(other, one).replace("swapped", other);
    });
    for (const callback of [first, second]) {
      expect((await browser.visit(callback)).text).toContain("authorization_failed");
    }
    expect(JSON.parse((await browser.visit("/")).text).isSignedIn).toBe(false);
  });
});
