import { type ServiceTokenOptions, serviceToken } from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import { settled, VirtualClock } from "./support/lifecycle-fixture.js";
import { clientOf, endpointsAt, failure, json, tokenEndpoint } from "./support/token-endpoint.js";

const DAY = 86_400;
const YEAR = 31_556_952;
const opaque = json(200, {
  access_token: "tdst_abc",
  token_type: "Bearer",
  expires_in: DAY,
  scope: "users:read",
});
const nowhere = clientOf({ endpoints: endpointsAt("http://127.0.0.1:9") });

describe("serviceToken", () => {
  it("asks for an opaque token, with what was named and no more", async () => {
    await using endpoint = await tokenEndpoint(opaque);
    await serviceToken(clientOf(endpoint)).getToken();
    await serviceToken(clientOf(endpoint), {
      scope: ["users:read", "users:read"],
      lifetimeSeconds: YEAR,
    }).getToken();
    expect(endpoint.requests.map(({ body }) => body)).toEqual([
      "grant_type=client_credentials&token_type=opaque",
      `grant_type=client_credentials&token_type=opaque&scope=users%3Aread&expires_in=${YEAR}`,
    ]);
  });

  it.each(["Bearer", "opaque", "sts", "", undefined, 7])(
    "sends the token bare when the answer calls it %j",
    async (token_type) => {
      await using endpoint = await tokenEndpoint(
        json(200, { access_token: "t/0k+en=", token_type, expires_in: DAY }),
      );
      const token = await serviceToken(clientOf(endpoint)).getToken();
      expect(token).toMatchObject({ type: "opaque", authorization: "t/0k+en=", value: "t/0k+en=" });
      expect(token.expiresAt - token.issuedAt).toBe(DAY * 1000);
    },
  );

  it.each([DAY, DAY + 1, YEAR])("takes a lifetime of %d s", (lifetimeSeconds) => {
    expect(() => serviceToken(nowhere, { lifetimeSeconds })).not.toThrow();
  });

  it.each<unknown>([
    DAY - 1,
    YEAR + 1,
    0,
    -DAY,
    DAY + 0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    "86400",
    null,
  ])("refuses a lifetime of %j at once", (lifetimeSeconds) => {
    expect(() => serviceToken(nowhere, { lifetimeSeconds } as ServiceTokenOptions)).toThrow(
      new TypeError(
        "lifetimeSeconds must be a whole number from 86400 (a day) to 31556952 (a year) seconds.",
      ),
    );
  });

  it("refuses a scope or an option that cannot be used at once", () => {
    for (const options of [{ scope: "" }, { scope: "a\\b" }, { refreshEarlyMs: -1 }, { onEvent: 7 }]) {
      expect(() => serviceToken(nowhere, options as ServiceTokenOptions)).toThrow(TypeError);
    }
  });

  it("keeps a token of a year without a timer, and renews it a minute before its end", async () => {
    const clock = new VirtualClock();
    await using endpoint = await tokenEndpoint(
      json(200, { access_token: "tdst_1", expires_in: YEAR }),
      json(200, { access_token: "tdst_2", expires_in: YEAR }),
    );
    const source = serviceToken(clientOf(endpoint, { clock }), { lifetimeSeconds: YEAR });
    expect((await source.getToken()).value).toBe("tdst_1");
    expect(clock.timers).toBe(0);
    await clock.advance((YEAR - 61) * 1000);
    expect((await source.getToken()).value).toBe("tdst_1");
    await settled();
    expect(endpoint.requests).toHaveLength(1);
    await clock.advance(60_000);
    expect((await source.getToken()).value).toBe("tdst_2");
    expect(endpoint.requests).toHaveLength(2);
  });

  it("asks once for many callers, and for another when the API refuses the token", async () => {
    let count = 0;
    await using endpoint = await tokenEndpoint((response, request) => {
      count += 1;
      json(200, { access_token: `tdst_${count}`, expires_in: DAY })(response, request);
    });
    const source = serviceToken(clientOf(endpoint));
    const tokens = await Promise.all(Array.from({ length: 50 }, () => source.getToken()));
    const [rejected] = tokens;
    expect(new Set(tokens.map(({ value }) => value)).size).toBe(1);
    if (rejected === undefined) throw new Error("There is no token.");
    expect((await source.getToken({ rejected })).value).toBe("tdst_2");
    expect(endpoint.requests).toHaveLength(2);
  });

  it("can be closed", async () => {
    const source = serviceToken(nowhere);
    await source.close();
    expect((await failure(source.getToken())).code).toBe("source_closed");
  });
});
