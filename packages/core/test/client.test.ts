import { clientSecretBasic, type TalkdeskClientOptions, talkdeskClient } from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import { leapingClock } from "./support/leaping-clock.js";

const authentication = clientSecretBasic({ clientId: "client-1", clientSecret: "s" });

describe("talkdeskClient", () => {
  it("needs only an account and an authentication", () => {
    const client = talkdeskClient({ account: "acme", authentication });
    expect(client).toEqual({
      endpoints: {
        token: "https://acme.talkdeskid.com/oauth/token",
        identity: "https://acme.talkdeskid.com",
        authorize: "https://acme.talkdeskid.com/oauth/authorize",
        jwks: "https://acme.talkdeskid.com/oauth/2023-10/certs",
        api: "https://api.talkdeskapp.com",
      },
      authentication,
      timeoutMs: 10_000,
    });
    expect(Object.keys(client)).toEqual(["endpoints", "authentication", "timeoutMs"]);
  });

  it("keeps the other options as given", () => {
    const options = { fetch: async () => Response.error(), clock: leapingClock(), random: () => 0.5 };
    const client = talkdeskClient({ account: "acme", authentication, timeoutMs: 1, ...options });
    expect(client).toMatchObject(options);
    expect(client.timeoutMs).toBe(1);
    expect(client.authentication.clientId).toBe("client-1");
  });

  it("cannot be changed", () => {
    const client = talkdeskClient({ account: "acme", authentication });
    expect(Object.isFrozen(client)).toBe(true);
    expect(Object.isFrozen(client.endpoints)).toBe(true);
  });

  it("sends nothing, and asks for nothing", () => {
    const touched: string[] = [];
    const touch = (what: string) => (): never => {
      touched.push(what);
      throw new Error(what);
    };
    const clock = { now: touch("now"), monotonic: touch("monotonic"), setTimeout: touch("setTimeout") };
    talkdeskClient({
      account: "acme",
      authentication: touch("authentication"),
      fetch: touch("fetch"),
      random: touch("random"),
      clock,
    });
    expect(touched).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["no authentication", { authentication: undefined }],
    ["authentication in an object", { authentication: { clientId: "a", clientSecret: "canary" } }],
    ["a whole header as authentication", { authentication: "Basic canary" }],
    ["the timeout 0", { timeoutMs: 0 }],
    ["a negative timeout", { timeoutMs: -1 }],
    ["the timeout NaN", { timeoutMs: Number.NaN }],
    ["an endless timeout", { timeoutMs: Number.POSITIVE_INFINITY }],
    ["a timeout that timers cut to nothing", { timeoutMs: 2 ** 31 }],
    ["a timeout in words", { timeoutMs: "1000" }],
    ["the timeout null", { timeoutMs: null }],
    ["a fetch that is not a function", { fetch: {} }],
    ["the fetch null", { fetch: null }],
    ["a random number for random", { random: 0.5 }],
    ["the clock null", { clock: null }],
    ["a clock without now", { clock: { ...leapingClock(), now: undefined } }],
    ["a clock without monotonic", { clock: { ...leapingClock(), monotonic: undefined } }],
    ["a clock without setTimeout", { clock: { ...leapingClock(), setTimeout: undefined } }],
    ["a bad account", { account: "acme.evil" }],
    ["a bad region", { region: "moon" }],
    ["a bad endpoint", { endpoints: { token: "http://acme.talkdeskid.com/oauth/token" } }],
  ])("refuses %s with a TypeError at once", (_, wrong) => {
    const make = () =>
      talkdeskClient({ account: "acme", authentication, ...(wrong as Partial<TalkdeskClientOptions>) });
    expect(make).toThrow(TypeError);
    expect(make).not.toThrow(/canary/);
  });

  it("takes the longest timeout that timers keep", () => {
    expect(talkdeskClient({ account: "acme", authentication, timeoutMs: 2 ** 31 - 1 }).timeoutMs).toBe(
      2_147_483_647,
    );
  });
});
