import session from "express-session";
import { afterEach, expect, it, vi } from "vitest";
import { signalled } from "./support/app.js";
import { type LoginStage, openLoginStage, whoIs } from "./support/login-stage.js";

let stage: LoginStage;
afterEach(async () => {
  vi.useRealTimers();
  await stage[Symbol.asyncDispose]();
});

class HangingStore extends session.MemoryStore {
  hanging: "set" | "destroy" | undefined;
  readonly #reached = signalled();
  readonly reached = this.#reached.given;
  override set: session.MemoryStore["set"] = (id, data, callback) =>
    this.hanging === "set" ? this.#reached.give() : super.set(id, data, callback);
  override destroy: session.MemoryStore["destroy"] = (id, callback) =>
    this.hanging === "destroy" ? this.#reached.give() : super.destroy(id, callback);
}

it.each([
  ["set", "login"],
  ["set", "callback"],
  ["destroy", "callback"],
  ["destroy", "logout"],
] as const)(
  "a login waits ten seconds for a store of sessions that hangs in %s at the %s, and signs nobody in",
  async (hanging, step) => {
    const sessions = new HangingStore();
    stage = await openLoginStage({ sessions });
    const browser = stage.browser();
    if (step === "logout") await browser.signIn();
    const address = step === "callback" ? await browser.toTalkdesk() : `/auth/${step}`;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    sessions.hanging = hanging;
    let isAnswered = false;
    const answer = browser.visit(address, { method: step === "logout" ? "POST" : "GET" }).finally(() => {
      isAnswered = true;
    });
    await sessions.reached;
    await vi.advanceTimersByTimeAsync(9_900);
    expect(isAnswered).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    vi.useRealTimers();
    expect((await answer).status).toBe(500);
    expect(stage.errors).toEqual([expect.objectContaining({ status: 503 })]);
    sessions.hanging = undefined;
    expect(await whoIs(browser)).toEqual({ isSignedIn: false, user: null });
    expect(stage.tokens.records.size).toBe(0);
    expect((await browser.signIn()).status).toBe(302);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
  },
  60_000,
);
