import { afterEach, describe, expect, it } from "vitest";
import { clockAhead } from "./support/clock-ahead.js";
import { grantsOf, type LoginStage, type LoginStageOptions, openLoginStage } from "./support/login-stage.js";
import { frameworks } from "./support/served.js";

const AFTER_THE_END_MS = 700_000;

let stage: LoginStage;
const open = async (options?: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(() => stage[Symbol.asyncDispose]());

const refreshTokens = (): string[] =>
  [...stage.tokens.records.values()].map((text) => /"refreshToken":"([^"]+)"/.exec(text)?.[1] ?? "none");

describe.each(frameworks)("ten requests of one session at its token's end in %s", (_name, framework) => {
  it("cause one refresh, whose pair stays, with sessions that are stored at every request", async () => {
    const clock = clockAhead();
    const session = { resave: true, rolling: true, saveUninitialized: true };
    await open({ framework, session, client: { clock } });
    const browser = stage.browser();
    await browser.signIn();
    const [before] = refreshTokens();
    clock.aheadMs = AFTER_THE_END_MS;
    const pages = await Promise.all(Array.from({ length: 10 }, () => browser.visit("/me")));
    expect(pages.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(grantsOf(stage)).toEqual(["authorization_code", "refresh_token"]);
    const [after] = refreshTokens();
    expect(after).not.toBe(before);

    // The successor is the one that is good for the next refresh: with an older one the login would be over.
    clock.aheadMs = 2 * AFTER_THE_END_MS;
    expect((await browser.visit("/me")).status).toBe(200);
    expect(grantsOf(stage)).toEqual(["authorization_code", "refresh_token", "refresh_token"]);
    expect(stage.errors).toEqual([]);
  });
});

describe("a process that has seen many users", () => {
  it("keeps the tokens of those who were there last in memory, and reads the others from the store again", async () => {
    const begunAt = Date.now();
    // No time passes: the store is not asked whether the sign-in goes on.
    await open({ client: { clock: { ...clockAhead(), now: () => begunAt, monotonic: () => 0 } } });
    const first = stage.browser();
    await first.signIn();
    const [key = ""] = stage.tokens.records.keys();
    const reads: string[] = [];
    stage.tokens.behave = (operation, asked) => {
      if (operation === "read" && asked === key) reads.push(asked);
    };
    expect((await first.visit("/me")).status).toBe(200);
    expect(reads).toEqual([]);

    const names = Object.keys((stage.sessions as unknown as { sessions: object }).sessions);
    const [text = ""] = Object.values(
      (stage.sessions as unknown as { sessions: Record<string, string> }).sessions,
    );
    expect(names).toHaveLength(1);
    const others = Array.from({ length: 1_000 }, (_, at) => String(at).padStart(43, "k"));
    const [record = ""] = stage.tokens.records.values();
    for (const other of others) {
      await stage.tokens.write(other, record, { expectedVersion: 0 });
      const [name = "", kept = {}] = Object.entries(JSON.parse(text).talkdeskLogins)[0] ?? [];
      const session = { talkdeskLogins: { [name]: { ...(kept as object), signIn: { key: other } } } };
      // What a request is to the login: a session. No sockets, since a thousand would be of no use.
      await stage.login.source({
        session: { ...session, regenerate() {}, save() {}, destroy() {} },
      } as never);
    }
    expect((await first.visit("/me")).status).toBe(200);
    expect(reads).toEqual([key]);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
  });
});
