import { unescape as percentDecoded } from "node:querystring";
import {
  accessToken,
  type ClientAuthentication,
  type ClientSecretBasicOptions,
  clientSecretBasic,
  requestToken,
  TalkdeskError,
  talkdeskEndpoints,
} from "@talkdesk-oauth/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leapingClock } from "./support/leaping-clock.js";
import { clientOf, endpointsAt, failure, granted, json, tokenEndpoint } from "./support/token-endpoint.js";

async function headerOf(options: ClientSecretBasicOptions): Promise<string | null> {
  const headers = new Headers();
  const body = new URLSearchParams();
  await clientSecretBasic(options)({ endpoints: talkdeskEndpoints("acme"), headers, body, now: 0 });
  expect([...body]).toEqual([]);
  return headers.get("authorization");
}

/** Text that credentials may contain: well-formed, without control characters. */
const credential = fc
  .string({ unit: "binary", minLength: 1, maxLength: 60 })
  .filter((text) => !/\p{Cc}/u.test(text));

describe("clientSecretBasic", () => {
  it.each([
    // RFC 6749 §2.3.1
    ["s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw", "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"],
    // RFC 7617 §2 and §2.1
    ["Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="],
    ["test", "123£", "Basic dGVzdDoxMjPCow=="],
  ])("sends what the specifications show for %s", async (clientId, clientSecret, expected) => {
    expect(await headerOf({ clientId, clientSecret })).toBe(expected);
  });

  it("sends a pair as Talkdesk issues it in one line of 160 characters", async () => {
    const clientId = "0123456789abcdef0123456789abcdef";
    const clientSecret = `${"Ab3-_xYz".repeat(10)}Q-_-_9`;
    expect(clientSecret).toHaveLength(86);
    const header = await headerOf({ clientId, clientSecret });
    expect(header).toBe(`Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`);
    expect(header?.slice("Basic ".length)).toHaveLength(160);
    expect(header).not.toMatch(/\s.*\s/);
  });

  it("keeps a very long secret in one line", async () => {
    const clientSecret = "k".repeat(200_000);
    const header = await headerOf({ clientId: "id", clientSecret });
    expect(header === `Basic ${Buffer.from(`id:${clientSecret}`).toString("base64")}`).toBe(true);
  });

  const awkward = "-_.~!*'()%+/=: @é😀";
  it('puts every character into Base64 as it is, by default and with "plain"', async () => {
    const expected = `Basic ${Buffer.from(`id:${awkward}`, "utf8").toString("base64")}`;
    expect(await headerOf({ clientId: "id", clientSecret: awkward })).toBe(expected);
    expect(await headerOf({ clientId: "id", clientSecret: awkward, encoding: "plain" })).toBe(expected);
  });

  it('encodes id and secret as form values first, with "form"', async () => {
    const header = await headerOf({ clientId: "i d/é", clientSecret: awkward, encoding: "form" });
    expect(Buffer.from(header?.slice("Basic ".length) ?? "", "base64").toString("latin1")).toBe(
      "i+d%2F%C3%A9:-_.%7E%21*%27%28%29%25%2B%2F%3D%3A+%40%C3%A9%F0%9F%98%80",
    );
  });

  it("sends the same in both encodings for letters, digits and *-._", async () => {
    const options = { clientId: "Az09*-._", clientSecret: "._-*90zA" };
    expect(await headerOf({ ...options, encoding: "form" })).toBe(
      await headerOf({ ...options, encoding: "plain" }),
    );
  });

  it("can be decoded to any id and secret", async () => {
    await fc.assert(
      fc.asyncProperty(
        credential.filter((id) => !id.includes(":")),
        credential,
        async (clientId, clientSecret) => {
          const plain = await headerOf({ clientId, clientSecret });
          expect(Buffer.from(plain?.slice("Basic ".length) ?? "", "base64").toString()).toBe(
            `${clientId}:${clientSecret}`,
          );
          const form = await headerOf({ clientId, clientSecret, encoding: "form" });
          const parts = Buffer.from(form?.slice("Basic ".length) ?? "", "base64")
            .toString("latin1")
            .split(":");
          expect(parts.map((part) => percentDecoded(part.replaceAll("+", " ")))).toEqual([
            clientId,
            clientSecret,
          ]);
        },
      ),
    );
  });

  it("refuses a colon in the client id, and takes one in the secret", async () => {
    expect(() => clientSecretBasic({ clientId: "a:b", clientSecret: "c" })).toThrow(
      new TypeError("clientId must not contain a colon."),
    );
    expect(await headerOf({ clientId: "a", clientSecret: "b:c" })).toBe("Basic YTpiOmM=");
  });

  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["a number", 7],
    ["an object", { toString: () => "canary" }],
    ["empty", ""],
    ["ended by a line feed", "canary\n"],
    ["ended by CR LF", "canary\r\n"],
    ["begun with a tab", "\tcanary"],
    ["wrapped", "canary\ncanary"],
    ["with a NUL", "canary\0"],
    ["with DEL", "canary\x7f"],
    ["with a C1 control", "canary\x85"],
    ["with half a surrogate pair", "canary\ud83d"],
  ])("refuses an id and a secret that are %s, without repeating them", (_, value) => {
    const wrong = value as string;
    for (const options of [
      { clientId: wrong, clientSecret: "s" },
      { clientId: "i", clientSecret: wrong },
    ]) {
      const name = options.clientId === "i" ? "clientSecret" : "clientId";
      expect(() => clientSecretBasic(options)).toThrow(
        expect.objectContaining({ name: "TypeError", message: expect.stringMatching(`^${name} must`) }),
      );
      expect(() => clientSecretBasic(options)).not.toThrow(/canary/);
    }
  });

  it.each<unknown>([null, "", "Plain", "base64", 1])("refuses the encoding %j", (encoding) => {
    expect(() =>
      clientSecretBasic({ clientId: "i", clientSecret: "s", encoding: encoding as "plain" }),
    ).toThrow(TypeError);
  });

  it("has the client id, and cannot be changed", () => {
    const authentication = clientSecretBasic({ clientId: "client-7", clientSecret: "s" });
    expect(authentication.clientId).toBe("client-7");
    expect(Object.isFrozen(authentication)).toBe(true);
  });

  it("does not look up a secret before it is needed", () => {
    let lookups = 0;
    const lookUp = (): string => `s${++lookups}`;
    clientOf(
      { endpoints: endpointsAt("http://127.0.0.1:1") },
      {
        authentication: clientSecretBasic({ clientId: "i", clientSecret: lookUp }),
      },
    );
    expect(lookups).toBe(0);
  });

  it("looks the secret up for every attempt, so a rotated one is used at once", async () => {
    await using server = await tokenEndpoint(json(503, {}), granted);
    const secrets = ["old", "new"];
    const authentication = clientSecretBasic({
      clientId: "i",
      clientSecret: async () => secrets.shift() ?? "none left",
    });
    await requestToken(clientOf(server, { authentication }), { grant_type: "client_credentials" });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      `Basic ${Buffer.from("i:old").toString("base64")}`,
      `Basic ${Buffer.from("i:new").toString("base64")}`,
    ]);
  });

  it.each<[string, () => unknown]>([
    ["answers undefined", () => undefined],
    ["answers an empty string", () => ""],
    ["answers a number", () => 7],
    ["answers a line break at the end", async () => "canary\n"],
    [
      "throws",
      () => {
        throw Object.assign(new Error("vault said canary"), { config: "canary" });
      },
    ],
    ["rejects", () => Promise.reject(new Error("vault said canary"))],
    ["rejects with a string", () => Promise.reject("canary")],
    ["rejects with nothing", () => Promise.reject(undefined)],
    [
      "rejects with an error of ours",
      () => Promise.reject(new TalkdeskError("token_network", "vault: canary")),
    ],
  ])("ends the call with credentials_unavailable when the function %s", async (_, lookUp) => {
    await using server = await tokenEndpoint(granted);
    const clientSecret = lookUp as () => string;
    const authentication = clientSecretBasic({ clientId: "i", clientSecret });
    const error = await failure(
      requestToken(clientOf(server, { authentication }), { grant_type: "client_credentials" }),
    );
    expect(error).toMatchObject({ code: "credentials_unavailable", retryable: true });
    expect(`${error.stack} ${JSON.stringify(error)} ${error.cause}`).not.toContain("canary");
    expect(server.requests).toEqual([]);
  });

  it("ends the call with credentials_unavailable when the function hangs, within the deadline", async () => {
    await using server = await tokenEndpoint(granted);
    const clock = leapingClock(5_000);
    const authentication = clientSecretBasic({
      clientId: "i",
      clientSecret: () => {
        setImmediate(() => clock.advance(5_000));
        return new Promise<string>(() => {});
      },
    });
    const client = clientOf(server, { authentication, clock, timeoutMs: 5_000 });
    const error = await failure(requestToken(client, { grant_type: "client_credentials" }));
    expect(error.code).toBe("credentials_unavailable");
    expect(server.requests).toEqual([]);
    expect(clock.timerCount).toBe(0);
  });
});

describe("a custom client authentication", () => {
  it("gets the endpoints and the time, and may change headers and body", async () => {
    await using server = await tokenEndpoint(granted);
    const clock = leapingClock(10_000, 1_700_000_000_000);
    const seen: unknown[] = [];
    const authentication: ClientAuthentication = ({ endpoints, headers, body, now }) => {
      seen.push(endpoints.token, now, body.toString());
      headers.set("x-proof", "p");
      body.set("client_id", "own");
    };
    const token = await requestToken(clientOf(server, { authentication, clock }), {
      grant_type: "client_credentials",
    });
    expect(token.value).toBe("token-1");
    expect(seen).toEqual([server.endpoints.token, 1_700_000_000_000, "grant_type=client_credentials"]);
    expect(server.requests[0]?.headers["x-proof"]).toBe("p");
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
    expect(server.requests[0]?.body).toBe("grant_type=client_credentials&client_id=own");
  });

  it("gets a new request for every attempt", async () => {
    await using server = await tokenEndpoint(json(500, {}), granted);
    const authentication: ClientAuthentication = ({ headers, body }) => {
      headers.append("x-proof", "p");
      body.append("proof", "p");
    };
    await requestToken(clientOf(server, { authentication }), { grant_type: "client_credentials" });
    expect(server.requests.map(({ headers, body }) => [headers["x-proof"], body])).toEqual([
      ["p", "grant_type=client_credentials&proof=p"],
      ["p", "grant_type=client_credentials&proof=p"],
    ]);
  });

  it("ends the call with credentials_unavailable when it throws at once", async () => {
    const authentication: ClientAuthentication = () => {
      throw new RangeError("canary");
    };
    const client = clientOf({ endpoints: endpointsAt("http://127.0.0.1:1") }, { authentication });
    const error = await failure(requestToken(client, { grant_type: "client_credentials" }));
    expect(error.code).toBe("credentials_unavailable");
    expect(error.cause).toMatchObject({ name: "RangeError", message: "" });
  });

  it("may have no client id", () => {
    const authentication: ClientAuthentication = () => {};
    expect(authentication.clientId).toBeUndefined();
    expect(accessToken({ value: "t", expiresAt: 1 }).authorization).toBe("Bearer t");
  });
});
