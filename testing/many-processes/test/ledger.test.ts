import { describe, expect, it } from "vitest";
import type { Observation } from "../src/chaos-log.js";
import { drawLedger, type Evidence } from "../src/ledger.js";
import { tokenName } from "../src/token-name.js";
import type { Exchange } from "../src/token-wire.js";

const KEY = "session 0";

const login: Exchange = {
  number: 0,
  process: "conductor",
  grantType: "authorization_code",
  spent: undefined,
  arrivedAt: 1_000,
  fault: undefined,
  answeredAt: 1_001,
  status: 200,
  issuedAccessToken: "at-0",
  issuedRefreshToken: "rt-0",
  deliveredAt: 1_002,
};

const refresh: Exchange = {
  ...login,
  number: 1,
  process: "p0",
  grantType: "refresh_token",
  spent: "rt-0",
  arrivedAt: 2_000,
  answeredAt: 2_001,
  issuedAccessToken: "at-1",
  issuedRefreshToken: "rt-1",
  deliveredAt: 2_002,
};

const { issuedAccessToken: _, issuedRefreshToken: __, ...unissued } = refresh;
const refused: Exchange = {
  ...unissued,
  number: 2,
  process: "p1",
  arrivedAt: 3_000,
  answeredAt: 3_001,
  status: 400,
  error: "invalid_grant",
};

const storedBy = (at: number, refreshToken: string): Observation => ({
  type: "stored",
  at,
  key: KEY,
  refreshToken: tokenName(refreshToken),
});

const toldAt = (at: number): Observation => ({
  type: "error",
  at,
  startedAt: at - 1,
  key: KEY,
  code: "refresh_outcome_unknown",
  error: "invalid_grant",
});

/** A login and one refresh, whose successor is stored and good. */
const good: Evidence = {
  exchanges: [login, refresh],
  logins: [{ key: KEY, refreshToken: "rt-0", at: 1_002, process: "p0" }],
  incidents: [],
  observations: new Map([
    ["p0", [storedBy(1_003, "rt-0"), storedBy(2_003, "rt-1")]],
    ["p1", []],
  ]),
  finalStates: new Map([[KEY, { refreshToken: "rt-1", error: undefined }]]),
};

/** The same, but the successor has never come into the store, and another process was refused. */
const lost: Evidence = {
  ...good,
  exchanges: [login, refresh, refused],
  observations: new Map([
    ["p0", [storedBy(1_003, "rt-0")]],
    ["p1", [toldAt(3_002)]],
  ]),
  finalStates: new Map([
    [KEY, { refreshToken: "rt-0", error: { code: "refresh_outcome_unknown", error: "invalid_grant" } }],
  ]),
};

describe("the ledger", () => {
  it("accounts for each refresh token of a run without faults", () => {
    const { tokens, violations } = drawLedger(good);
    expect(violations).toEqual([]);
    expect(tokens).toMatchObject({ issued: 2, superseded: 1, current: 1, lost: 0 });
  });

  it("complains of a token that is lost although nothing has happened, and of the second use", () => {
    expect(drawLedger(lost).violations).toEqual([
      expect.stringContaining("p1 spent a refresh token of session 0 that p0 had spent"),
      expect.stringContaining("A refresh token of session 0 is lost without a reason"),
      expect.stringContaining("p1 was told refresh_outcome_unknown for session 0, which was not over"),
    ]);
  });

  it.each([
    ["answer lost", { exchanges: [login, { ...refresh, fault: "lose" }, refused] }],
    ["process killed", { incidents: [{ process: "p0", kind: "kill", at: 2_001, until: Infinity }] }],
    ["process stopped", { incidents: [{ process: "p0", kind: "stop", at: 2_001, until: 2_900 }] }],
  ] as const)("names it lost when there is a reason: %s", (loss, evidence) => {
    const { tokens, losses, repeats, violations } = drawLedger({ ...lost, ...evidence });
    expect(violations).toEqual([]);
    expect(tokens.lost).toBe(1);
    expect(losses[loss]).toBe(1);
    expect(repeats).toBe(1);
  });

  it("complains when nobody was told of the loss", () => {
    const untold: Evidence = {
      ...lost,
      exchanges: [login, { ...refresh, fault: "lose" }],
      observations: new Map([["p0", [storedBy(1_003, "rt-0")]]]),
      finalStates: new Map([[KEY, { refreshToken: undefined, error: undefined }]]),
    };
    expect(drawLedger(untold).violations).toEqual([expect.stringContaining("no caller was told")]);
  });

  it("counts a token as replaced when its user has logged in again, whatever else has happened", () => {
    const again = {
      ...login,
      number: 3,
      arrivedAt: 2_500,
      issuedAccessToken: "at-2",
      issuedRefreshToken: "rt-2",
    };
    const { tokens, violations } = drawLedger({
      ...good,
      exchanges: [login, refresh, again],
      logins: [...good.logins, { key: KEY, refreshToken: "rt-2", at: 2_502, process: "p1" }],
      incidents: [{ process: "p0", kind: "kill", at: 5_000, until: Infinity }],
      observations: new Map([
        ["p0", [storedBy(1_003, "rt-0")]],
        ["p1", [storedBy(2_503, "rt-2")]],
      ]),
      finalStates: new Map([[KEY, { refreshToken: "rt-2", error: undefined }]]),
    });
    expect(violations).toEqual([]);
    expect(tokens).toMatchObject({ superseded: 1, replaced: 1, current: 1, lost: 0 });
  });

  it("does not take a kill for a reason after the token was stored", () => {
    const incidents = [{ process: "p0", kind: "kill", at: 2_500, until: Infinity }] as const;
    const observations = new Map([...lost.observations, ...good.observations]);
    expect(drawLedger({ ...lost, incidents, observations }).violations).toContainEqual(
      expect.stringContaining("lost without a reason"),
    );
  });

  it("complains of another user's token, of an expired one, and of a caller that waited too long", () => {
    const observations = new Map<string, readonly Observation[]>([
      ...good.observations,
      [
        "p1",
        [
          { type: "token", at: 2_500, key: "session 1", token: tokenName("at-1") },
          { type: "expired", at: 2_500, key: KEY, byMs: 20 },
          { type: "late", at: 2_500, key: KEY, waitedMs: 9_000, allowedMs: 7_000 },
        ],
      ],
    ]);
    expect(drawLedger({ ...good, observations }).violations).toEqual([
      expect.stringContaining("p1 was given a token of session 0 for session 1"),
      expect.stringContaining("had expired 20 ms before"),
      expect.stringContaining("waited 9000 ms"),
    ]);
  });
});
