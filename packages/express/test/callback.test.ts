import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { grantsOf, type LoginStage, openLoginStage, sessionsOf } from "./login-stage.js";

let stage: LoginStage;
beforeEach(async () => {
  stage = await openLoginStage();
});
afterEach(async () => {
  vi.useRealTimers();
  await stage[Symbol.asyncDispose]();
});

describe("a callback that no login of this browser awaits", () => {
  it.each([
    ["has no state", "/auth/callback?code=a-code"],
    ["has an empty one", "/auth/callback?code=a-code&state="],
    ["has a wrong one", "/auth/callback?code=a-code&state=wrong"],
    ["has nothing", "/auth/callback"],
    ["has one in a list", "/auth/callback?code=a-code&state[]=wrong"],
    ["has one in an object", "/auth/callback?code=a-code&state[of]=wrong"],
    ["says an error", "/auth/callback?error=access_denied&error_description=made+up"],
  ])("is refused without an exchange when it %s", async (_what, address) => {
    const browser = stage.browser();
    await browser.visit("/auth/login");
    const page = await browser.visit(address);
    expect(page.status).toBe(400);
    expect(page.text).toContain("state_mismatch");
    expect(page.text).not.toContain("made up");
    expect(grantsOf(stage)).toEqual([]);
  });

  it.each([
    ["twice", (state: string) => `state=${state}&state=${state}`],
    ["in a list", (state: string) => `state[]=${state}`],
    ["in an object", (state: string) => `state[value]=${state}`],
  ])("is refused when the right state comes %s, and the login goes on", async (_how, stateAs) => {
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    const parameters = new URLSearchParams(callback.split("?")[1]);
    const twisted = `/auth/callback?code=${parameters.get("code")}&${stateAs(parameters.get("state") ?? "")}`;
    expect((await browser.visit(twisted)).status).toBe(400);
    expect(grantsOf(stage)).toEqual([]);
    expect((await browser.visit(callback)).to).toBe("/");
  });

  it("is refused with another browser's state, which stays that browser's", async () => {
    const [mallory, victim, scanner] = [stage.browser(), stage.browser(), stage.browser()];
    const callback = await mallory.toTalkdesk();
    await victim.visit("/auth/login");
    expect((await victim.visit(callback)).status).toBe(400);
    expect((await scanner.visit(callback)).status).toBe(400);
    expect(JSON.parse((await victim.visit("/")).text).isSignedIn).toBe(false);
    expect(grantsOf(stage)).toEqual([]);
    expect((await mallory.visit(callback)).status).toBe(302);
  });
});

describe("a callback that comes again or late", () => {
  it("leads a signed-in browser home, without an exchange", async () => {
    const browser = stage.browser();
    const callback = await browser.toTalkdesk("?returnTo=/deep/inside");
    expect((await browser.visit(callback)).to).toBe("/deep/inside");
    for (let again = 0; again < 2; again++) {
      const page = await browser.visit(callback);
      expect([page.status, page.to]).toEqual([302, "/"]);
    }
    expect((await browser.visit("/auth/callback?error=access_denied&state=unknown")).to).toBe("/");
    expect(JSON.parse((await browser.visit("/me")).text).email).toMatch(/@/);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
    expect(stage.errors).toEqual([]);
  });

  it("is exchanged once, however often it comes at the same time", async () => {
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    const pages = await Promise.all(Array.from({ length: 5 }, () => browser.visit(callback)));
    expect(pages.map(({ status }) => status).sort()).toEqual([302, 400, 400, 400, 400]);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
  });

  it.each([
    ["after ten minutes", 10 * 60_000],
    ["when the clock was set back by more than that", -11 * 60_000],
  ])("is too late %s, and the login begins again to where it was", async (_when, stepMs) => {
    const browser = stage.browser();
    const callback = await browser.toTalkdesk("?returnTo=/late");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + stepMs });
    const page = await browser.visit(callback);
    expect(page.status).toBe(400);
    expect(page.text).toContain('href="login?returnTo=%2Flate"');
    expect(grantsOf(stage)).toEqual([]);
  });

  it("is in time before that", async () => {
    const browser = stage.browser();
    const callback = await browser.toTalkdesk("?returnTo=/in-time");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 9 * 60_000 });
    // The emulator's codes live for a minute.
    expect((await browser.visit(callback)).text).toContain("authorization_failed");
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
  });
});

describe("a callback that nobody opened", () => {
  it.each([
    ["HEAD", { method: "HEAD" }, 405],
    ["POST", { method: "POST" }, 405],
    ["a browser that reads ahead", { headers: { "sec-purpose": "prefetch;prerender" } }, 503],
    ["an older one", { headers: { purpose: "prefetch" } }, 503],
    ["a Firefox of old", { headers: { "x-moz": "prefetch" } }, 503],
  ])("of %s changes nothing", async (_what, visit, status) => {
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

describe("a callback with", () => {
  const withCode = (callback: string, change: (parameters: URLSearchParams) => void): string => {
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
    ["an issuer that is none of Talkdesk's", (p: URLSearchParams) => p.set("iss", "https://evil.example")],
  ])("%s is refused without an exchange, once and for all", async (_what, change) => {
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    const page = await browser.visit(withCode(callback, change));
    expect(page.status).toBe(400);
    expect(page.text).toContain("authorization_failed");
    expect((await browser.visit(callback)).text).toContain("state_mismatch");
    expect(grantsOf(stage)).toEqual([]);
  });

  it("an issuer that is expected is exchanged", async () => {
    await using mixed = await openLoginStage({
      login: { issuers: ["https://talkdesk.example"], scope: ["refresh_token", "users:read"] },
    });
    const browser = mixed.browser();
    const callback = withCode(await browser.toTalkdesk(), (p) => p.set("iss", "https://talkdesk.example"));
    expect((await browser.visit(callback)).to).toBe("/");
  });

  it.each([
    ["access_denied", 403, "authorization_denied", "The sign-in was denied"],
    ["server_error", 502, "authorization_failed", "The sign-in has failed"],
    ["temporarily_unavailable", 503, "authorization_failed", "not possible at the moment"],
    ["made_up", 400, "authorization_failed", "The sign-in has failed"],
  ])("the error %s shows a page of its own, and the login is over", async (error, status, code, title) => {
    const browser = stage.browser();
    const callback = await browser.toTalkdesk("?returnTo=/there");
    const description = `<script>alert("1")</script>${"x".repeat(10_000)}`;
    const failed = withCode(callback, (p) => {
      p.delete("code");
      p.set("error", error);
      p.set("error_description", description);
    });
    const page = await browser.visit(failed);
    expect(page.status).toBe(status);
    expect(page.text).toContain(title);
    expect(page.text).toContain(`Code: ${code}`);
    expect(page.text).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;xxx");
    expect(page.text).not.toContain("<script");
    expect(page.text.length).toBeLessThan(3_000);
    expect(page.text).toContain('href="login?returnTo=%2Fthere"');
    expect((await browser.visit(callback)).text).toContain("state_mismatch");
    expect(grantsOf(stage)).toEqual([]);
  });
});

describe("an exchange", () => {
  it("whose answer is lost is not repeated; the person may begin again", async () => {
    const browser = stage.browser();
    const callback = await browser.toTalkdesk("?returnTo=/there");
    stage.talkdesk.faults.add({ at: "token", lose: true });
    const page = await browser.visit(callback);
    expect(page.status).toBe(502);
    expect(page.text).toContain("token_network");
    const [, link = ""] = /<a href="(login[^"]*)">Sign in again<\/a>/.exec(page.text) ?? [];
    expect((await browser.visit(callback)).status).toBe(400);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
    const again = await browser.signIn(link.replace(/^login/, ""));
    expect(again.to).toBe("/there");
  });

  it("that Talkdesk is too busy for says when to try again", async () => {
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    stage.talkdesk.faults.add({
      at: "token",
      respond: { status: 503, headers: { "retry-after": "60" }, body: "<b>busy</b>" },
    });
    const page = await browser.visit(callback);
    expect(page.status).toBe(503);
    expect(Number(page.headers["retry-after"])).toBeGreaterThan(50);
    expect(page.text).not.toContain("<b>");
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
  });

  it("whose browser has gone leaves nothing behind", async () => {
    const leaving = new AbortController();
    const sent = fetch;
    await using left = await openLoginStage({
      client: {
        fetch: (input, init) => {
          // The browser goes while the exchange is under way.
          leaving.abort();
          return sent(input, init);
        },
      },
    });
    const browser = left.browser();
    const callback = await browser.toTalkdesk();
    left.talkdesk.faults.add({ at: "token", delayMs: 300 });
    const operations: string[] = [];
    left.tokens.behave = (operation) => void operations.push(operation);
    const aborted = fetch(new URL(callback, left.origin), {
      headers: { cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      redirect: "manual",
      signal: leaving.signal,
    });
    await expect(aborted).rejects.toThrow(/abort/i);
    await expect.poll(() => operations).toContain("write");
    await expect.poll(() => operations.at(-1)).toBe("delete");
    expect(left.tokens.records.size).toBe(0);
    expect(sessionsOf(left)).toHaveLength(1);
    expect(JSON.stringify(sessionsOf(left))).not.toContain("signIn");
    expect(left.errors).toEqual([]);
  });
});

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

  it("proves that the callback is for who began", async () => {
    const browser = protectedStage.browser();
    expect((await browser.signIn()).status).toBe(302);
    const [exchange] = protectedStage.talkdesk.requests.to("token");
    expect(exchange?.form.get("code_verifier")).toMatch(/^[\w-]{43,}$/);
  });

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
