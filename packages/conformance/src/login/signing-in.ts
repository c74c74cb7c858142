import { describe, expect, it } from "vitest";
import { ACCEPT } from "./browser.js";
import type { LoginSubject } from "./login-stage.js";
import {
  AFTER_TOKENS_END_MS,
  clockAhead,
  codeOf,
  emailOf,
  gate,
  grantsOf,
  NOBODY,
  openLoginStage,
  restartOf,
  sessionTexts,
  whoIs,
} from "./login-stage.js";

/** A login that goes well, and what follows it. */
export function describeSigningIn(subject: LoginSubject): void {
  it("signs a browser in, says who it is, and calls the API for it", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    expect(await whoIs(browser)).toEqual(NOBODY);

    const back = await browser.signIn("?returnTo=/contacts%3Fpage=2%23top");
    expect([back.status, back.to]).toEqual([302, "/contacts?page=2#top"]);

    expect(await whoIs(browser)).toEqual({ ...NOBODY, isSignedIn: true, user: { sub: expect.any(String) } });
    expect(await emailOf(browser)).toMatch(/@/);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
    expect(stage.errors).toEqual([]);
  });

  it("lets no cache keep the address of a callback, and no next page see it", async () => {
    await using stage = await openLoginStage(subject);
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

  it("lets several tabs sign in side by side, with one exchange, and leads each to its own page", async () => {
    await using stage = await openLoginStage(subject);
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
    expect((await browser.visit(third)).to).toBe("/");
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
  });

  it("completes the logins of eight tabs at once, with a slow store of sessions", async () => {
    await using stage = await openLoginStage(subject);
    let turn = 0;
    // Delays of 1 to 11 ms, in an order that is the same in each run.
    stage.sessions.behave = () =>
      new Promise((resolve) => {
        turn = (turn * 7 + 3) % 21;
        setTimeout(resolve, 1 + turn / 2);
      });
    const browser = stage.browser();
    await browser.visit("/auth/login");
    const callbacks = await Promise.all(
      Array.from({ length: 8 }, (_, at) => browser.toTalkdesk(`?returnTo=/${at}`)),
    );
    const answers = await Promise.all(callbacks.map((callback) => browser.visit(callback)));
    expect(answers.map(({ to }) => to)).toEqual(callbacks.map((_, at) => `/${at}`));
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect(stage.tokens.records.size).toBe(1);
    expect(stage.errors).toEqual([]);
  });

  it("leaves one sign-in when two tabs complete their logins at once", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    const callbacks = [
      await browser.toTalkdesk("?returnTo=/first"),
      await browser.toTalkdesk("?returnTo=/second"),
    ];
    const both = gate();
    let waiting = 0;
    stage.tokens.behave = (operation) => {
      if (operation !== "write") return undefined;
      waiting += 1;
      if (waiting === 2) both.open();
      return both.pass();
    };
    const answers = await Promise.all(callbacks.map((callback) => browser.visit(callback)));
    expect(answers.map(({ to }) => to)).toEqual(["/first", "/second"]);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect(await emailOf(browser)).toMatch(/@/);
    expect(stage.tokens.records.size).toBe(1);
    const [key = "none"] = stage.tokens.records.keys();
    expect(sessionTexts(stage).filter((text) => text.includes(key))).toHaveLength(1);
    expect(stage.errors).toEqual([]);
  });

  it("stores the session before it sends the browser on", async () => {
    await using stage = await openLoginStage(subject);
    stage.sessions.behave = (operation) =>
      operation === "write" ? new Promise((resolve) => setTimeout(resolve, 30)) : undefined;
    const browser = stage.browser();
    expect((await browser.signIn("?returnTo=/there")).to).toBe("/there");
    expect((await whoIs(browser)).isSignedIn).toBe(true);
  });

  it("ends the earlier sign-in of the browser in the store", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.signIn();
    const [first] = stage.tokens.records.keys();
    await browser.signIn();
    expect([...stage.tokens.records.keys()]).toHaveLength(1);
    expect([...stage.tokens.records.keys()]).not.toContain(first);
    expect(await emailOf(browser)).toMatch(/@/);
    expect(sessionTexts(stage)).toHaveLength(1);
  });

  it("sends a PKCE challenge with pkce, and its verifier with the exchange", async () => {
    await using stage = await openLoginStage(subject, { login: { pkce: true } });
    const browser = stage.browser();
    expect((await browser.signIn()).status).toBe(302);
    const [exchange] = stage.talkdesk.requests.to("token");
    expect(exchange?.form.get("code_verifier")).toMatch(/^[\w-]{43,}$/);
  });

  it("refreshes once for ten requests at the end of a token, and keeps the new pair", async () => {
    const clock = clockAhead();
    await using stage = await openLoginStage(subject, { client: { clock } });
    const refreshTokens = (): string[] =>
      [...stage.tokens.records.values()].map((text) => /"refreshToken":"([^"]+)"/.exec(text)?.[1] ?? "none");
    const browser = stage.browser();
    await browser.signIn();
    const [before] = refreshTokens();
    clock.aheadMs = AFTER_TOKENS_END_MS;
    const answers = await Promise.all(Array.from({ length: 10 }, () => browser.visit("/me")));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(grantsOf(stage)).toEqual(["authorization_code", "refresh_token"]);
    const [after] = refreshTokens();
    expect(after).not.toBe(before);

    // An older refresh token would end the login here.
    clock.aheadMs = 2 * AFTER_TOKENS_END_MS;
    expect((await browser.visit("/me")).status).toBe(200);
    expect(grantsOf(stage)).toEqual(["authorization_code", "refresh_token", "refresh_token"]);
    expect(stage.errors).toEqual([]);
  });

  describe("an ID token", () => {
    it("of another login signs nobody in", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      const other = new URL(await browser.toTalkdesk(), stage.origin).searchParams.get("code");
      const page = await browser.visit(callback.replace(/code=[^&]+/, `code=${other}`));
      expect([page.status, codeOf(page)]).toEqual([400, "nonce_mismatch"]);
      expect(await whoIs(browser)).toEqual(NOBODY);
      expect(stage.tokens.records.size).toBe(0);
    });

    it("that Talkdesk has not signed signs nobody in", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      stage.talkdesk.faults.add({
        at: "token",
        patch: (body) => ({ ...body, id_token: String(body["id_token"]).replace(/.{20}$/, "A".repeat(20)) }),
      });
      const page = await browser.signIn();
      expect([page.status, codeOf(page)]).toEqual([502, "id_token_invalid"]);
      expect(await whoIs(browser)).toEqual(NOBODY);
      expect(stage.tokens.records.size).toBe(0);
    });
  });

  describe("an exchange", () => {
    it("whose answer is lost is not repeated; the person may begin again", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk("?returnTo=/there");
      stage.talkdesk.faults.add({ at: "token", lose: true });
      const page = await browser.visit(callback);
      expect([page.status, codeOf(page)]).toEqual([502, "token_network"]);
      expect((await browser.visit(callback)).status).toBe(400);
      expect(grantsOf(stage)).toEqual(["authorization_code"]);
      expect((await browser.signIn(restartOf(page))).to).toBe("/there");
    });

    it("that fails uses up the state, also while the token store can lock nothing", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      stage.tokens.behave = (operation) => {
        if (operation === "lock") throw new Error("the store is down");
      };
      stage.talkdesk.faults.add({ at: "token", lose: true });
      expect((await browser.visit(callback)).status).toBe(502);
      expect((await browser.visit(callback)).status).toBe(400);
      expect(grantsOf(stage)).toEqual(["authorization_code"]);
    });

    it("that Talkdesk is too busy for says when to try again", async () => {
      await using stage = await openLoginStage(subject);
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

    it("whose browser has left in the meantime leaves no tokens behind", async () => {
      const leaving = new AbortController();
      await using stage = await openLoginStage(subject, {
        client: {
          fetch: (input, init) => {
            leaving.abort();
            return fetch(input, init);
          },
        },
      });
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      const [before] = sessionTexts(stage);
      stage.talkdesk.faults.add({ at: "token", delayMs: 300 });
      const operations: string[] = [];
      stage.tokens.behave = (operation) => void operations.push(operation);
      await expect(browser.visit(callback, { signal: leaving.signal })).rejects.toThrow(/abort/i);
      await expect.poll(() => operations).toContain("write");
      await expect.poll(() => operations.at(-1)).toBe("delete");
      expect(stage.tokens.records.size).toBe(0);
      expect(before).toBeDefined();
      expect(await whoIs(browser)).toEqual(NOBODY);
      expect(stage.errors).toEqual([]);
    });
  });

  it("gives a program, too, what a signed-in browser would get", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.signIn();
    for (const accept of Object.values(ACCEPT)) {
      for (const method of ["GET", "POST"]) {
        const { status, text } = await browser.visit("/me", { method, headers: { accept } });
        expect([accept, method, status]).toEqual([accept, method, 200]);
        expect(JSON.parse(text).email).toMatch(/@/);
      }
    }
  });
}
