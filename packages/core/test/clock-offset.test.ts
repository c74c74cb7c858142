import {
  type ClientAuthentication,
  clientSecretBasic,
  type Grant,
  privateKeyJwt,
  requestToken,
  type TalkdeskClient,
} from "@talkdesk-oauth/core";
import fc from "fast-check";
import jwt from "jsonwebtoken";
import { describe, expect, it } from "vitest";
import { type LeapingClock, leapingClock } from "./support/leaping-clock.js";
import { issued, KEYS } from "./support/signing-keys.js";
import {
  type Answer,
  clientOf,
  endpointsAt,
  failure,
  granted,
  json,
  reset,
  type TokenEndpoint,
  tokenEndpoint,
} from "./support/token-endpoint.js";

const GRANT: Grant = { grant_type: "client_credentials" };
const MINUTES = 60_000;
const authentication = privateKeyJwt({
  clientId: "client-1",
  keyId: "key-1",
  privateKey: issued(KEYS.ES256.privateKey),
});

interface Claims {
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
}
const claimsIn = (body: string): Claims =>
  jwt.decode(new URLSearchParams(body).get("client_assertion") ?? "") as unknown as Claims;
/** How far ahead of `clock` each request's assertion goes, in milliseconds. */
const offsetsOf = (server: TokenEndpoint, clock: LeapingClock): number[] =>
  server.requests.map(({ body }) => (claimsIn(body).iat + 10) * 1000 - clock.now());

const dateOf = (at: number): string => new Date(at).toUTCString();

/** Refuses every assertion that is not of its own time, as a strict server does; its clock is `offsetMs` ahead. */
function strictServer(clock: LeapingClock, offsetMs: () => number): Answer {
  return (response, request) => {
    const now = clock.now() + offsetMs();
    const { iat, exp } = claimsIn(request.body);
    const isNow = iat * 1000 <= now && exp * 1000 > now;
    response.setHeader("date", dateOf(now));
    (isNow ? granted : json(401, { error: "invalid_client" }))(response, request);
  };
}

const refusedAt =
  (date: () => number | string, status = 401, error = "invalid_client"): Answer =>
  (response, request) => {
    const said = date();
    response.setHeader("date", typeof said === "string" ? said : dateOf(said));
    json(status, { error })(response, request);
  };

function setting(
  server: Pick<TokenEndpoint, "endpoints">,
  clock: LeapingClock,
  proof: ClientAuthentication = authentication,
): TalkdeskClient {
  return clientOf(server, { authentication: proof, clock });
}

describe("a clock that is off", () => {
  it.each([10, -10, 90, -90, 365 * 24 * 60])("by %d minutes costs one more try, once", async (minutes) => {
    const clock = leapingClock();
    await using server = await tokenEndpoint(strictServer(clock, () => minutes * MINUTES));
    const client = setting(server, clock);
    const first = await requestToken(client, GRANT);
    expect(first.value).toBe("token-1");
    expect(offsetsOf(server, clock)).toEqual([0, minutes * MINUTES]);
    await requestToken(client, GRANT);
    await requestToken(client, { grant_type: "refresh_token", refresh_token: "r" });
    expect(offsetsOf(server, clock)).toEqual([0, minutes * MINUTES, minutes * MINUTES, minutes * MINUTES]);
    expect(new Set(server.requests.map(({ body }) => claimsIn(body).jti)).size).toBe(4);
    expect(clock.waits).toEqual([]);
  });

  it("leaves the token's times on this machine's", async () => {
    const clock = leapingClock();
    await using server = await tokenEndpoint(strictServer(clock, () => 10 * MINUTES));
    const { issuedAt, expiresAt } = await requestToken(setting(server, clock), GRANT);
    expect([issuedAt, expiresAt]).toEqual([clock.now(), clock.now() + 599_000]);
  });

  it("is remembered for that client only", async () => {
    const clock = leapingClock();
    await using server = await tokenEndpoint(strictServer(clock, () => 10 * MINUTES));
    await requestToken(setting(server, clock), GRANT);
    await requestToken(setting(server, clock), GRANT);
    expect(offsetsOf(server, clock)).toEqual([0, 10 * MINUTES, 0, 10 * MINUTES]);
  });

  it("is measured again after the clock was set", async () => {
    const clock = leapingClock();
    let offset = 10 * MINUTES;
    await using server = await tokenEndpoint(strictServer(clock, () => offset));
    const client = setting(server, clock);
    await requestToken(client, GRANT);
    offset = 0;
    await requestToken(client, GRANT);
    await requestToken(client, GRANT);
    offset = -5 * MINUTES;
    await requestToken(client, GRANT);
    expect(offsetsOf(server, clock).map((ms) => ms / MINUTES)).toEqual([0, 10, 10, 0, 0, 0, -5]);
  });

  it("is named in a hint when the second attempt is refused too, and is then not remembered", async () => {
    const clock = leapingClock();
    await using server = await tokenEndpoint(refusedAt(() => clock.now() + 10 * MINUTES));
    const client = setting(server, clock);
    for (let call = 0; call < 2; call += 1) {
      const error = await failure(requestToken(client, GRANT));
      expect(error).toMatchObject({ code: "client_refused", status: 401, error: "invalid_client" });
      expect(error.hints.at(-1)).toBe(
        "This machine's clock is 600 s behind the server's; the assertion went by the server's.",
      );
    }
    expect(offsetsOf(server, clock)).toEqual([0, 10 * MINUTES, 0, 10 * MINUTES]);
  });

  it("is corrected once in a call, even if the server's clock changes again", async () => {
    const clock = leapingClock();
    let hours = 0;
    await using server = await tokenEndpoint(refusedAt(() => clock.now() + ++hours * 60 * MINUTES));
    expect((await failure(requestToken(setting(server, clock), GRANT))).code).toBe("client_refused");
    expect(server.requests).toHaveLength(2);
  });

  it("is remembered only after it helped, also when other failures come in between", async () => {
    const clock = leapingClock();
    const wrong = refusedAt(() => clock.now() + 60 * MINUTES);
    await using server = await tokenEndpoint(wrong, json(503, {}), json(503, {}), json(503, {}), granted);
    const client = setting(server, clock);
    expect((await failure(requestToken(client, GRANT))).code).toBe("token_unavailable");
    await requestToken(client, GRANT);
    expect(offsetsOf(server, clock).map((ms) => ms / MINUTES)).toEqual([0, 60, 60, 60, 0]);
  });

  it("goes on with the corrected time after an outage, within the attempts of a call", async () => {
    const clock = leapingClock();
    const late = refusedAt(() => clock.now() + 60 * MINUTES);
    await using server = await tokenEndpoint(json(503, {}), json(503, {}), json(503, {}), late, granted);
    expect((await failure(requestToken(setting(server, clock), GRANT))).code).toBe("client_refused");
    expect(server.requests).toHaveLength(4);
    await using other = await tokenEndpoint(json(503, {}), late, reset, granted);
    await requestToken(setting(other, clock), GRANT);
    expect(offsetsOf(other, clock).map((ms) => ms / MINUTES)).toEqual([0, 0, 60, 60]);
  });

  it.each<[string, Answer]>([
    ["by 30 s", refusedAt(() => Date.UTC(2026, 0, 2, 3, 4, 35))],
    ["by more than a year", refusedAt(() => Date.UTC(2027, 0, 4))],
    ["by less than minus a year", refusedAt(() => Date.UTC(2024, 11, 31))],
    ["in words", refusedAt(() => "noon")],
    ["by a date that is empty", refusedAt(() => "")],
    [
      "by a date that is absent",
      (response, request) => {
        response.sendDate = false;
        json(401, { error: "invalid_client" })(response, request);
      },
    ],
    [
      "and the client may not use the grant",
      refusedAt(() => Date.UTC(2026, 0, 3), 400, "unauthorized_client"),
    ],
    ["and the scope is wrong", refusedAt(() => Date.UTC(2026, 0, 3), 400, "invalid_scope")],
    ["and the address is wrong", refusedAt(() => Date.UTC(2026, 0, 3), 404, "not_found")],
    [
      "and the proof is a secret",
      (response, request) => refusedAt(() => Date.UTC(2026, 0, 3))(response, request),
    ],
  ])("is no reason for another try %s", async (name, answer) => {
    await using server = await tokenEndpoint(answer);
    const secret = clientSecretBasic({ clientId: "i", clientSecret: "s" });
    const client = setting(server, leapingClock(), name.endsWith("secret") ? secret : authentication);
    await failure(requestToken(client, GRANT));
    expect(server.requests).toHaveLength(1);
  });

  it.each<[string, number]>([
    ["invalid_client", 400],
    ["invalid_client", 401],
    ["unauthorized", 401],
    ["", 401],
  ])("is a reason for another try after %j with %d", async (error, status) => {
    const clock = leapingClock();
    await using server = await tokenEndpoint(
      refusedAt(() => clock.now() + 10 * MINUTES, status, error),
      granted,
    );
    expect((await requestToken(setting(server, clock), GRANT)).value).toBe("token-1");
  });

  it.each<Grant>([
    { grant_type: "authorization_code", code: "c", redirect_uri: "https://app.example.com/cb" },
    { grant_type: "refresh_token", refresh_token: "r" },
  ])("spends no $grant_type twice: another try after invalid_client alone", async (grant) => {
    const clock = leapingClock();
    const late = (error: string): Answer => refusedAt(() => clock.now() + 10 * MINUTES, 401, error);
    await using server = await tokenEndpoint(late("invalid_client"), granted);
    expect((await requestToken(setting(server, clock), grant)).value).toBe("token-1");
    for (const error of ["invalid_grant", "unauthorized", ""]) {
      await using strict = await tokenEndpoint(late(error));
      await failure(requestToken(setting(strict, clock), grant));
      expect(strict.requests).toHaveLength(1);
    }
  });

  it("does not hide that an earlier refresh went unanswered", async () => {
    const clock = leapingClock();
    const late = refusedAt(() => clock.now() + 10 * MINUTES);
    const grant: Grant = { grant_type: "refresh_token", refresh_token: "r" };
    await using server = await tokenEndpoint(reset, late, late);
    expect((await failure(requestToken(setting(server, clock), grant))).code).toBe("refresh_outcome_unknown");
    await using twice = await tokenEndpoint(reset, late, reset, granted);
    expect((await failure(requestToken(setting(twice, clock), grant))).code).toBe("refresh_outcome_unknown");
    expect(twice.requests).toHaveLength(3);
    await using answered = await tokenEndpoint(reset, late, granted);
    expect((await requestToken(setting(answered, clock), grant)).value).toBe("token-1");
  });

  it("is not corrected after the caller has aborted", async () => {
    const controller = new AbortController();
    const clock = leapingClock();
    const answer: Answer = (response, request) => {
      controller.abort("gone");
      refusedAt(() => clock.now() + 10 * MINUTES)(response, request);
    };
    await using server = await tokenEndpoint(answer);
    const call = requestToken(setting(server, clock), GRANT, { signal: controller.signal });
    await expect(call).rejects.toBe("gone");
    expect(server.requests).toHaveLength(1);
  });

  it("is distinguished from a slow answer", async () => {
    const clock = leapingClock(120_000);
    const proof: ClientAuthentication = ({ body }) => body.set("client_assertion", "a.b.c");
    let sent = 0;
    const slow = (writtenAfterMs: number) =>
      clientOf(
        { endpoints: endpointsAt("http://127.0.0.1:9") },
        {
          authentication: proof,
          clock,
          timeoutMs: 120_000,
          fetch: async () => {
            sent += 1;
            const date = dateOf(clock.now() + writtenAfterMs);
            clock.advance(100_000);
            return Response.json({ error: "invalid_client" }, { status: 401, headers: { date } });
          },
        },
      );
    for (const writtenAfterMs of [0, 50_000, 100_000]) {
      sent = 0;
      const { hints } = await failure(requestToken(slow(writtenAfterMs), GRANT));
      expect([sent, hints.length]).toEqual([1, 1]);
    }
  });

  it("is passed to a custom authentication too", async () => {
    const clock = leapingClock();
    const seen: number[] = [];
    const proof: ClientAuthentication = ({ body, now }) => {
      seen.push(now - clock.now());
      body.set("client_assertion", "made.of.something");
    };
    await using server = await tokenEndpoint(
      refusedAt(() => clock.now() + 10 * MINUTES),
      granted,
    );
    await requestToken(setting(server, clock, proof), GRANT);
    expect(seen).toEqual([0, 10 * MINUTES]);
  });

  it("is corrected in two requests at most, for any difference", async () => {
    const YEAR_S = 366 * 86_400;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -YEAR_S - 100, max: YEAR_S + 100 }), async (seconds) => {
        const clock = leapingClock();
        await using server = await tokenEndpoint(strictServer(clock, () => seconds * 1000));
        const outcome = await requestToken(setting(server, clock), GRANT).catch((error: unknown) => error);
        const isTolerated = seconds >= -10 && seconds < 290;
        const isCredible = Math.abs(seconds) < YEAR_S;
        expect(server.requests).toHaveLength(isTolerated || !isCredible || Math.abs(seconds) <= 30 ? 1 : 2);
        if (isTolerated || (isCredible && Math.abs(seconds) > 30))
          expect(outcome).toMatchObject({ value: "token-1" });
        else expect(outcome).toMatchObject({ code: "client_refused" });
      }),
      { numRuns: 60 },
    );
  });
});
