import { afterEach, describe, expect, it, vi } from "vitest";
import type { LoginSubject } from "./login-stage.js";
import { codeOf, emailOf, grantsOf, NOBODY, openLoginStage, restartOf, whoIs } from "./login-stage.js";

/** Callbacks that do not belong to a login of the browser, come late or again, or are not what Talkdesk sends. */
export function describeCallbacks(subject: LoginSubject): void {
  afterEach(() => void vi.useRealTimers());

  describe("with an unknown state", () => {
    it.each([
      ["has no state", "/auth/callback?code=a-code"],
      ["has an empty state", "/auth/callback?code=a-code&state="],
      ["has a wrong state", "/auth/callback?code=a-code&state=wrong"],
      ["has no parameters", "/auth/callback"],
      ["has a state in a list", "/auth/callback?code=a-code&state[]=wrong"],
      ["has a state in an object", "/auth/callback?code=a-code&state[of]=wrong"],
      ["reports an error", "/auth/callback?error=access_denied&error_description=made+up"],
    ])("is refused without an exchange when it %s", async (_what, address) => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      await browser.visit("/auth/login");
      const page = await browser.visit(address);
      expect([page.status, codeOf(page)]).toEqual([400, "state_mismatch"]);
      expect(page.text).not.toContain("made up");
      expect(grantsOf(stage)).toEqual([]);
    });

    it.each([
      ["twice", (state: string) => `state=${state}&state=${state}`],
      ["in a list", (state: string) => `state[]=${state}`],
      ["in an object", (state: string) => `state[value]=${state}`],
    ])("is refused when the right state comes %s, and the login goes on", async (_how, stateAs) => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      const parameters = new URLSearchParams(callback.split("?")[1]);
      const twisted = `/auth/callback?code=${parameters.get("code")}&${stateAs(parameters.get("state") ?? "")}`;
      expect((await browser.visit(twisted)).status).toBe(400);
      expect(grantsOf(stage)).toEqual([]);
      expect((await browser.visit(callback)).to).toBe("/");
    });

    it("is refused with the state of another browser, whose login goes on", async () => {
      await using stage = await openLoginStage(subject);
      const [mallory, victim, scanner] = [stage.browser(), stage.browser(), stage.browser()];
      const callback = await mallory.toTalkdesk();
      await victim.visit("/auth/login");
      expect((await victim.visit(callback)).status).toBe(400);
      expect((await scanner.visit(callback)).status).toBe(400);
      expect(await whoIs(victim)).toEqual(NOBODY);
      expect(grantsOf(stage)).toEqual([]);
      expect((await mallory.visit(callback)).status).toBe(302);
    });
  });

  describe("that comes again or late", () => {
    it("leads a signed-in browser to / without an exchange", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk("?returnTo=/deep/inside");
      expect((await browser.visit(callback)).to).toBe("/deep/inside");
      for (let again = 0; again < 2; again++) {
        const answer = await browser.visit(callback);
        expect([answer.status, answer.to]).toEqual([302, "/"]);
      }
      expect((await browser.visit("/auth/callback?error=access_denied&state=unknown")).to).toBe("/");
      expect(await emailOf(browser)).toMatch(/@/);
      expect(grantsOf(stage)).toEqual(["authorization_code"]);
      expect(stage.errors).toEqual([]);
    });

    it("is exchanged once, however often it comes at the same time", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      const answers = await Promise.all(Array.from({ length: 5 }, () => browser.visit(callback)));
      expect(answers.map(({ status }) => status).sort()).toEqual([302, 400, 400, 400, 400]);
      expect(grantsOf(stage)).toEqual(["authorization_code"]);
    });

    it.each([
      ["after ten minutes", 10 * 60_000],
      ["when the clock was set back by more than ten minutes", -11 * 60_000],
    ])("is too late %s, and the page leads back to the login", async (_when, stepMs) => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk("?returnTo=/late");
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + stepMs });
      const page = await browser.visit(callback);
      expect([page.status, restartOf(page)]).toEqual([400, "?returnTo=%2Flate"]);
      expect(grantsOf(stage)).toEqual([]);
    });

    it("is in time before ten minutes have passed", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk("?returnTo=/in-time");
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 9 * 60_000 });
      // The emulator's codes live for a minute.
      expect(codeOf(await browser.visit(callback))).toBe("authorization_failed");
      expect(grantsOf(stage)).toEqual(["authorization_code"]);
    });
  });

  describe("that nobody opened", () => {
    it.each([
      ["HEAD", { method: "HEAD" }, 405],
      ["POST", { method: "POST" }, 405],
      ["a prefetch", { headers: { "sec-purpose": "prefetch;prerender" } }, 503],
      ["a prefetch of older browsers", { headers: { purpose: "prefetch" } }, 503],
      ["a prefetch of older Firefox", { headers: { "x-moz": "prefetch" } }, 503],
      ["a prefetch of a link of Next", { headers: { rsc: "1", "next-router-prefetch": "1" } }, 503],
    ])("changes nothing: %s", async (_what, visit, status) => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      const page = await browser.visit(callback, visit);
      expect(page.status).toBe(status);
      if (status === 405) expect(page.headers["allow"]).toBe("GET");
      expect(page.headers["cache-control"]).toBe("no-store");
      const early = await browser.visit("/auth/login", visit);
      expect([early.status, early.headers["set-cookie"]]).toEqual([status, undefined]);
      expect(grantsOf(stage)).toEqual([]);
      expect((await browser.visit(callback)).to).toBe("/");
    });
  });

  describe("with the right state", () => {
    const withParameters = (callback: string, change: (parameters: URLSearchParams) => void): string => {
      const parameters = new URLSearchParams(callback.split("?")[1]);
      change(parameters);
      return `/auth/callback?${parameters}`;
    };

    it.each([
      ["no code", (p: URLSearchParams) => p.delete("code")],
      ["an empty code", (p: URLSearchParams) => p.set("code", "")],
      ["the code twice", (p: URLSearchParams) => p.append("code", p.get("code") ?? "")],
      [
        "the code in a list",
        (p: URLSearchParams) => {
          p.set("code[]", p.get("code") ?? "");
          p.delete("code");
        },
      ],
      ["a code of 10 KB", (p: URLSearchParams) => p.set("code", "c".repeat(10_240))],
      ["an unexpected issuer", (p: URLSearchParams) => p.set("iss", "https://evil.example")],
    ])("and %s is refused without an exchange, and uses up the state", async (_what, change) => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      const page = await browser.visit(withParameters(callback, change));
      expect([page.status, codeOf(page)]).toEqual([400, "authorization_failed"]);
      expect(codeOf(await browser.visit(callback))).toBe("state_mismatch");
      expect(grantsOf(stage)).toEqual([]);
    });

    it("and an issuer that is expected is exchanged", async () => {
      await using stage = await openLoginStage(subject, {
        login: { issuers: ["https://talkdesk.example"], scope: ["refresh_token", "users:read"] },
      });
      const browser = stage.browser();
      const callback = withParameters(await browser.toTalkdesk(), (p) =>
        p.set("iss", "https://talkdesk.example"),
      );
      expect((await browser.visit(callback)).to).toBe("/");
    });

    it.each([
      ["access_denied", 403, "authorization_denied", "The sign-in was denied"],
      ["server_error", 502, "authorization_failed", "The sign-in has failed"],
      ["temporarily_unavailable", 503, "authorization_failed", "not possible at the moment"],
      ["made_up", 400, "authorization_failed", "The sign-in has failed"],
    ])("and the error %s shows its own page, and uses up the state", async (error, status, code, title) => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk("?returnTo=/there");
      const failed = withParameters(callback, (p) => {
        p.delete("code");
        p.set("error", error);
        p.set("error_description", `<script>alert("1")</script>${"x".repeat(10_000)}`);
      });
      const page = await browser.visit(failed);
      expect([page.status, codeOf(page)]).toEqual([status, code]);
      expect(page.text).toContain(title);
      expect(page.text).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;xxx");
      expect(page.text).not.toContain("<script");
      expect(page.text.length).toBeLessThan(3_000);
      expect(restartOf(page)).toBe("?returnTo=%2Fthere");
      expect(codeOf(await browser.visit(callback))).toBe("state_mismatch");
      expect(grantsOf(stage)).toEqual([]);
    });

    it("and an error carries the page that the person wanted, escaped", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk(
        `?returnTo=${encodeURIComponent('/a"><script>alert(1)</script>')}`,
      );
      const page = await browser.visit(callback.replace(/code=[^&]+/, "error=access_denied"));
      expect(page.status).toBe(403);
      expect(page.text).not.toContain("<script");
      expect((await browser.signIn(restartOf(page))).to).toBe("/a%22%3E%3Cscript%3Ealert(1)%3C/script%3E");
    });
  });

  it.each([
    ["help@example.com", '<a href="mailto:help@example.com">help@example.com</a>'],
    ["https://example.com/help?a=1&b=2", '<a href="https://example.com/help?a=1&amp;b=2">'],
    ['Extension 4711, <b>Ada</b> & "Bob"', "Extension 4711, &lt;b&gt;Ada&lt;/b&gt; &amp; &quot;Bob&quot;"],
    ["javascript:alert(1)", "contact javascript:alert(1)."],
  ])("that fails shows the contact: %s", async (contact, shown) => {
    await using stage = await openLoginStage(subject, { login: { contact } });
    const page = await stage.browser().visit("/auth/callback");
    expect(page.text).toContain(shown);
    expect(page.text).not.toMatch(/<b>|href="javascript/);
  });
}
