import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { exchange, logIn, readClaims, refresh, requestBearer } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator({ accounts: ["acme", "globex"] });
});
afterAll(() => talkdesk.stop());

const REFUSED = [400, "invalid_grant"];

async function tryRefresh(emulator: Emulator, refreshToken: string): Promise<readonly unknown[]> {
  const { status, json } = await refresh(emulator, refreshToken);
  return status === 200 ? [200] : [status, json.error];
}

async function callWith(emulator: Emulator, accessToken: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${accessToken}` };
  return (await send(`${emulator.endpoints().api}/echo`, { headers })).status;
}

describe("a rotated refresh token", () => {
  it("ends the login when it is used again", async () => {
    const first = (await logIn(talkdesk)).json;
    const second = (await refresh(talkdesk, first.refresh_token)).json;
    expect(await tryRefresh(talkdesk, first.refresh_token)).toEqual(REFUSED);
    expect(await tryRefresh(talkdesk, second.refresh_token)).toEqual(REFUSED);
    expect(await callWith(talkdesk, second.access_token)).toBe(401);
  });

  it("is only refused with refreshReuse: refuse", async () => {
    await using lenient = await startEmulator({ refreshReuse: "refuse" });
    const first = (await logIn(lenient)).json;
    const second = (await refresh(lenient, first.refresh_token)).json;
    expect(await tryRefresh(lenient, first.refresh_token)).toEqual(REFUSED);
    expect(await callWith(lenient, second.access_token)).toBe(200);
    expect(await tryRefresh(lenient, second.refresh_token)).toEqual([200]);
    expect(await tryRefresh(lenient, second.refresh_token)).toEqual(REFUSED);
  });

  it("is refused even when its successor was lost on the way", async () => {
    for (const refreshReuse of ["revoke", "refuse"] as const) {
      await using lossy = await startEmulator({ refreshReuse });
      const { json } = await logIn(lossy);
      lossy.faults.add({ at: "token", match: { grantType: "refresh_token" }, lose: true });
      expect((await refresh(lossy, json.refresh_token)).error?.code).toBe("ECONNRESET");
      expect(await tryRefresh(lossy, json.refresh_token)).toEqual(REFUSED);
    }
  });

  it("has a successor for the whole scope, even when a narrower one was asked for", async () => {
    const { json } = await logIn(talkdesk, "users:read contacts:read");
    const narrow = await refresh(talkdesk, json.refresh_token, { scope: "users:read" });
    expect(narrow.json.scope).toBe("users:read");
    expect(readClaims(narrow.json.access_token).scp).toEqual(["users:read"]);
    const whole = await refresh(talkdesk, narrow.json.refresh_token);
    expect(whole.json.scope).toBe("users:read contacts:read");
  });
});

it("gives no refresh token in the answer to a refresh with refreshTokens: omit, and the old one stays valid", async () => {
  await using omitting = await startEmulator({ refreshTokens: "omit" });
  const first = (await logIn(omitting)).json;
  expect(first.refresh_token).toEqual(expect.any(String));
  for (let round = 0; round < 2; round += 1) {
    const again = await refresh(omitting, first.refresh_token);
    expect(again.status).toBe(200);
    expect(again.json).not.toHaveProperty("refresh_token");
    expect(again.json.sid).toBe(first.sid);
  }
});

describe("the scope refresh_token", () => {
  it("is not needed by default", async () => {
    expect((await logIn(talkdesk, "users:read")).json).toHaveProperty("refresh_token");
  });

  it("is needed in a scope that is asked for with requiresRefreshTokenScope", async () => {
    await using strict = await startEmulator({ requiresRefreshTokenScope: true });
    expect((await logIn(strict, "users:read")).json).not.toHaveProperty("refresh_token");
    expect((await logIn(strict, "users:read refresh_token")).json).toHaveProperty("refresh_token");
    expect((await logIn(strict)).json).toHaveProperty("refresh_token");
  });
});

describe("tokens.revoke()", () => {
  it("revokes refresh tokens too, which faults.revokeTokens() does not", async () => {
    const first = (await logIn(talkdesk)).json;
    talkdesk.faults.revokeTokens();
    expect(await callWith(talkdesk, first.access_token)).toBe(401);
    const second = (await refresh(talkdesk, first.refresh_token)).json;
    expect(await callWith(talkdesk, second.access_token)).toBe(200);
    talkdesk.tokens.revoke();
    expect(await callWith(talkdesk, second.access_token)).toBe(401);
    expect(await tryRefresh(talkdesk, second.refresh_token)).toEqual(REFUSED);
    expect((await logIn(talkdesk)).status).toBe(200);
  });

  it("ends a login whose access tokens have been revoked before", async () => {
    const { json } = await logIn(talkdesk);
    talkdesk.faults.revokeTokens();
    talkdesk.tokens.revoke();
    expect(await tryRefresh(talkdesk, json.refresh_token)).toEqual(REFUSED);
  });

  it("ends the logins of one user only", async () => {
    const users = `${talkdesk.endpoints().api}/users`;
    const { json } = await send(users, { headers: await requestBearer(talkdesk) });
    const tokens = [];
    for (const { id } of json._embedded.users.slice(0, 2)) {
      const { code } = await talkdesk.authorize({ user: id });
      tokens.push((await exchange(talkdesk, code)).json);
    }
    const ownToken = await requestBearer(talkdesk);
    talkdesk.tokens.revoke({ userId: readClaims(tokens[0].access_token).sub });
    expect(await callWith(talkdesk, tokens[0].access_token)).toBe(401);
    expect(await tryRefresh(talkdesk, tokens[0].refresh_token)).toEqual(REFUSED);
    expect(await callWith(talkdesk, tokens[1].access_token)).toBe(200);
    expect(await tryRefresh(talkdesk, tokens[1].refresh_token)).toEqual([200]);
    expect((await send(users, { headers: ownToken })).status).toBe(200);
  });

  it("throws a TypeError for an unknown filter", () => {
    expect(() => talkdesk.tokens.revoke({ user: "x" } as object)).toThrow(TypeError);
  });
});
