import {
  clientSecretBasic,
  type Grant,
  requestToken,
  type TalkdeskClientOptions,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import { leapingClock } from "./support/leaping-clock.js";
import { type Answer, clientOf, failure, json, text, tokenEndpoint } from "./support/token-endpoint.js";

const refused: Answer = json(401, { error: "invalid_client" });

async function hintsOn(
  answer: Answer,
  options: Partial<TalkdeskClientOptions> = {},
  grant: Grant = { grant_type: "client_credentials" },
): Promise<readonly string[]> {
  await using server = await tokenEndpoint(answer);
  const { hints } = await failure(requestToken(clientOf(server, options), grant));
  return hints.map((hint) => hint.replace(new URL(server.origin).host, "HOST"));
}

const secret = (clientSecret: string, encoding: "plain" | "form" = "plain") => ({
  authentication: clientSecretBasic({ clientId: "i", clientSecret, encoding }),
});

const HOST = "The request went to HOST: a client exists in one account and one region only.";
const ENCODING = expect.stringContaining('try clientSecretBasic with encoding: "form"');
const SPACE = "The client secret begins or ends with a space.";
const SCOPE = expect.stringContaining("may not be effective yet");

describe("the hints of a refusal", () => {
  it("name the host that the client was refused by, and nothing that is not amiss", async () => {
    expect(await hintsOn(refused)).toEqual([HOST]);
    expect(await hintsOn(text(401, "", { "www-authenticate": "Basic" }))).toEqual([HOST]);
  });

  it.each(["a+b", "a/b=", "p%rcent".replace("%", "&"), "é", "~"])(
    "name the characters of the secret %s, which encodings change",
    async (value) => {
      expect(await hintsOn(refused, secret(value))).toEqual([HOST, ENCODING]);
    },
  );

  it.each(["Az09", "with-hyphen_and_underscore", "dots.and*stars"])(
    "have no word about the secret %s, which encodings leave alone",
    async (value) => {
      expect(await hintsOn(refused, secret(value))).toEqual([HOST]);
    },
  );

  it("do not advise an encoding that is in use", async () => {
    expect(await hintsOn(refused, secret("a/b", "form"))).toEqual([HOST]);
  });

  it.each(["p%rcent", "100%"])("name the percent sign in the secret %s", async (value) => {
    expect(await hintsOn(refused, secret(value))).toEqual([HOST, ENCODING]);
  });

  it.each<[string, string, "plain" | "form", string]>([
    ["a plain secret", "p%rcent", "plain", "form"],
    ["a plain secret without a special character", "Az09", "plain", "form"],
    ["an encoded secret", "p%rcent", "form", "plain"],
  ])("name the encoding when an authority cannot decode %s", async (_, value, encoding, other) => {
    for (const error_description of [
      "client_id and client_secret in the authorization header are not properly encoded",
      "Credentials could not be decoded",
    ]) {
      const answer = json(400, { error: "invalid_request", error_description });
      expect(await hintsOn(answer, secret(value, encoding))).toEqual([
        expect.stringContaining(`try clientSecretBasic with encoding: "${other}"`),
      ]);
    }
  });

  it("have no word about encodings when the request was refused for something else", async () => {
    const answer = json(400, { error: "invalid_request", error_description: "Grant type is missing" });
    expect(await hintsOn(answer, secret("p%rcent"))).toEqual([]);
    const signed: TalkdeskClientOptions["authentication"] = ({ body }) =>
      body.set("client_assertion", "a.b.c");
    const undecoded = json(400, { error: "invalid_request", error_description: "not properly encoded" });
    expect(await hintsOn(undecoded, { authentication: signed })).toEqual([]);
  });

  it("name a space around the secret", async () => {
    expect(await hintsOn(refused, secret(" pasted "))).toEqual([HOST, ENCODING, SPACE]);
  });

  it.each(['"secret-1"', "'secret-1'", "`secret-1`"])("name the quotes of the secret %s", async (value) => {
    expect(await hintsOn(refused, secret(value))).toContain(
      "The client secret is in quotes, which are sent as a part of it.",
    );
  });

  it("have no word about a quote at one end of a secret", async () => {
    expect(await hintsOn(refused, secret('"Az09', "form"))).toEqual([HOST]);
  });

  it.each([
    [" client-1", "The client id begins or ends with a space."],
    ['"client-1"', "The client id is in quotes, which are sent as a part of it."],
  ])("name what is around the client id %j", async (clientId, hint) => {
    const authentication = clientSecretBasic({ clientId, clientSecret: "Az09" });
    expect(await hintsOn(refused, { authentication })).toEqual([HOST, hint]);
  });

  it.each([
    ["https://api.talkdeskapp.eu/oauth/token", /is a gateway, which issues no tokens/],
    ["https://acme.mytalkdesk.com/oauth/token", /address where people work/],
    ["https://acme.gettalkdesk.eu/oauth/token", /address where people work/],
    [
      "https://acme.talkdeskid.com/login",
      /page for people: the path of the token endpoint is \/oauth\/token/,
    ],
  ])("say that %s is no token endpoint", async (token, hint) => {
    for (const status of [200, 401, 404]) {
      const fetch = async () =>
        new Response("<html></html>", { status, headers: { "content-type": "text/html" } });
      const client = talkdeskClient({
        endpoints: { token, api: "https://api.talkdeskapp.eu" },
        fetch,
        ...secret("Az09"),
      });
      const { hints } = await failure(requestToken(client, { grant_type: "client_credentials" }));
      expect(hints[0], `${status}`).toMatch(hint);
    }
  });

  it("name the list of addresses that an account may have, for a 403 without a reason", async () => {
    expect(await hintsOn(text(403, ""))).toEqual([expect.stringContaining("IP addresses")]);
    expect(await hintsOn(json(403, { error: "forbidden" }))).toEqual([]);
    expect(await hintsOn(text(404, ""))).toEqual([]);
  });

  it("name a scope that may be too new", async () => {
    const grant: Grant = { grant_type: "client_credentials", scope: "account:read" };
    expect(await hintsOn(refused, {}, grant)).toEqual([HOST, SCOPE]);
    expect(await hintsOn(json(400, { error: "invalid_scope" }), {}, grant)).toEqual([SCOPE]);
    expect(await hintsOn(json(400, { error: "invalid_request" }), {}, grant)).toEqual([]);
  });

  it.each<[number, string[]]>([
    [0, []],
    [29, []],
    [-29, []],
    [600, ["This machine's clock is 600 s behind the server's."]],
    [-600, ["This machine's clock is 600 s ahead of the server's."]],
    [400 * 86_400, []],
    [-400 * 86_400, []],
  ])("tell of a server's clock that is %d s off", async (offset, expected) => {
    const clock = leapingClock();
    const date = new Date(clock.now() + offset * 1000).toUTCString();
    const answer = json(400, { error: "invalid_request" }, { date });
    expect(await hintsOn(answer, { clock })).toEqual(expected);
  });

  it("do not mention a malformed date", async () => {
    expect(await hintsOn(json(400, { error: "invalid_request" }, { date: "noon" }))).toEqual([]);
    expect(
      await hintsOn((response) => {
        response.sendDate = false;
        response.writeHead(400, { "content-type": "application/json" }).end('{"error":"invalid_request"}');
      }),
    ).toEqual([]);
  });

  it.each<[string, Answer]>([
    ["an outage", json(503, {})],
    ["a page", text(200, "<html>")],
    ["a redirect", text(302, "")],
  ])("are absent after %s", async (_, answer) => {
    expect(await hintsOn(answer, secret(" a+b "))).toEqual([]);
  });

  it("cannot be changed", async () => {
    await using server = await tokenEndpoint(refused);
    const error = await failure(requestToken(clientOf(server), { grant_type: "client_credentials" }));
    expect(Object.isFrozen(error.hints)).toBe(true);
  });

  it("work with a custom authentication", async () => {
    const authentication: TalkdeskClientOptions["authentication"] = ({ headers }) => {
      headers.set("authorization", "Proof éé".replace(/é/g, "e"));
    };
    expect(await hintsOn(refused, { authentication })).toEqual([HOST]);
  });
});

describe("the message of a failed token call", () => {
  it.each<[string, Answer]>([
    ["a refused client", refused],
    ["a refused request", json(400, { error: "invalid_scope" })],
    ["an overload", json(503, {}, { "retry-after": "3600" })],
    ["a page", text(200, "<html></html>", { "content-type": "text/html" })],
  ])("names the host that answered: %s", async (_, answer) => {
    await using server = await tokenEndpoint(answer);
    const { message } = await failure(requestToken(clientOf(server), { grant_type: "client_credentials" }));
    expect(message).toContain(`The token endpoint ${new URL(server.origin).host} `);
  });
});
