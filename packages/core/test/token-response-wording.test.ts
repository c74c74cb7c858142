import { isTalkdeskError, parseTokenResponse, requestToken, type TalkdeskError } from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import { stage } from "./support/lifecycle-fixture.js";

const JSON_TYPE = { "content-type": "application/json" };

function parsed(status: number, body: unknown, headers: Record<string, string> = JSON_TYPE) {
  const bytes =
    body instanceof Uint8Array
      ? body
      : new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
  return parseTokenResponse(
    { status, headers: new Headers(headers), body: bytes },
    { requestedAt: Date.UTC(2026, 0, 1), grant: { grant_type: "client_credentials" } },
  );
}

function refusal(...answer: Parameters<typeof parsed>): TalkdeskError {
  try {
    parsed(...answer);
  } catch (error) {
    if (isTalkdeskError(error)) return error;
    throw error;
  }
  throw new Error("It was taken for a token.");
}

/** People read these when something is down: each says what came, and what to check. */
describe("the message of a refused answer", () => {
  it.each<[string, ...Parameters<typeof parsed>]>([
    ["answered 200, but its body is empty.", 200, ""],
    ["answered 200, but its body is empty.", 200, " \r\n"],
    ["answered 200, but its body is not JSON.", 200, '{"access_token":'],
    ["answered 200, but its body is not UTF-8.", 200, new Uint8Array([0xff, 0xfe, 0x7b, 0x00])],
    ["answered 200, but its body is not a JSON object.", 200, '"a-token"'],
    ["answered 200, but its body is not a JSON object.", 200, "true"],
    ["answered 200, but its body is not a JSON object.", 200, "null"],
    ["answered 200, but access_token is missing or is not a string.", 200, { access_token: "" }],
    [
      "answered 200, but access_token has characters that a header cannot carry.",
      200,
      { access_token: "a b" },
    ],
    [
      "answered with a type of token other than Bearer, which cannot be sent.",
      200,
      { access_token: "a", token_type: "mac" },
    ],
    ["answered more than 262144 bytes; the rest was not read.", 200, "x".repeat(262_145)],
    ["answered 200 with no content type instead of JSON; check that the address", 200, "<html>", {}],
    ["answered 503.", 503, {}],
    ["answered 503 (busy).", 503, { error: "busy" }],
    [
      "answered 429 (busy), and asks to wait 3 s.",
      429,
      { error: "busy" },
      { ...JSON_TYPE, "retry-after": "2.5" },
    ],
    [
      "refused the client with 401 (invalid_client); check client id and secret, account and region.",
      401,
      { error: "invalid_client" },
    ],
    [
      "refused the client with 200 (invalid_client); check client id and secret, account and region.",
      200,
      { error: "invalid_client" },
    ],
    ["refused the client with 401; check client id and secret", 401, ""],
    ["refused the request with 400 (invalid_scope).", 400, { error: "invalid_scope" }],
    [
      "refused the request with 400 (invalid_scope): Not in v2.0 of it.",
      400,
      { error: "invalid_scope", error_description: "Not in v2.0 of it." },
    ],
    [
      "refused the request with 400 (invalid_scope): Not in v2.0 of it.",
      400,
      { error: "invalid_scope", error_description: "Not in v2.0 of it" },
    ],
    ["answered 300, a redirect, which is not followed", 300, ""],
    ["answered 204, which is not part of the protocol; check its address, and any proxy before it.", 204, ""],
    ["answered 400, which is not part of the protocol", 400, ""],
    ["answered 403, which is not part of the protocol", 403, ""],
  ])("says %j", (message, ...answer) => {
    expect(refusal(...answer).message).toContain(`The token endpoint ${message}`);
  });
});

describe("the words of a refused answer", () => {
  it.each(["invalid_request", "unsupported_grant_type", "invalid_scope", "invalid_grant"])(
    "count more than a status of 401: %s is about the request",
    (error) => expect(refusal(401, { error }).code).toBe("request_refused"),
  );

  it.each([302, 511])("do not count with status %s", (status) =>
    expect(refusal(status, { error: "invalid_client" }).code).toBe("token_unexpected_response"),
  );

  it("are absent when they are empty", () => {
    const error = refusal(401, { error: "", error_description: "" });
    expect(error).not.toHaveProperty("error");
    expect(error).not.toHaveProperty("errorDescription");
  });

  it("take a `message` for the description in an envelope with `code` alone", () => {
    expect(refusal(400, { code: "0001", message: "No scope" })).toMatchObject({
      error: "0001",
      errorDescription: "No scope",
    });
    expect(refusal(400, { error: "invalid_scope", message: "No scope" })).not.toHaveProperty(
      "errorDescription",
    );
  });
});

describe("a token's answer", () => {
  it("may be wide, as long as it is not deep", () => {
    const wide = [...Array.from({ length: 200 }, () => []), ...Array.from({ length: 200 }, () => ({}))];
    expect(parsed(200, { access_token: "a", wide }).extra).toEqual({ wide });
  });

  it("may have a scope of null, which says nothing", () => {
    expect(parsed(200, { access_token: "a", scope: null })).not.toHaveProperty("scope");
  });

  it("keeps no secret that was sent and comes back in a member without a name here", async () => {
    const { client } = stage({
      onCall: (call) => call.grant({ echo: { said: ["with a secret", 7, null] } }),
    });
    const token = await requestToken(client, { grant_type: "client_credentials" });
    expect(token.extra).toEqual({ echo: { said: ["with ***", 7, null] } });
  });
});
