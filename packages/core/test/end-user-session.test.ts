import { accessToken, endUserSession, type TokenRequest, type TokenSource } from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import { shown } from "./support/shown.js";
import {
  type Answer,
  failure,
  json,
  reset,
  silence,
  type TokenEndpoint,
  tokenEndpoint,
} from "./support/token-endpoint.js";

const userId = "5f1b0c7e9a8d4b3c2a1e0f9d";
const CANARY = "token-canary-4b1e7c";
const ended: Answer = (response) => void response.writeHead(204).end();

/** A source of numbered tokens; a refused one is replaced. */
function sourceAt(identity: string | undefined): TokenSource & { readonly asked: TokenRequest[] } {
  const asked: TokenRequest[] = [];
  let number = 1;
  return {
    api: "https://api.talkdeskapp.com",
    ...(identity !== undefined && { identity }),
    asked,
    async getToken(request = {}) {
      asked.push(request);
      if (request.rejected !== undefined) number += 1;
      return accessToken({ value: `${CANARY}-${number}`, expiresAt: Date.now() + 60_000 });
    },
  };
}

const end = (server: TokenEndpoint, options = {}): Promise<void> =>
  endUserSession(sourceAt(server.origin), { userId, ...options });

describe("endUserSession", () => {
  it("sends the user's id as a form, with the token, to the identity host", async () => {
    await using server = await tokenEndpoint(ended);
    expect(await end(server, { reason: "force_logout" })).toBeUndefined();
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: "POST",
      url: "/oauth/end_user_session",
      headers: {
        authorization: `Bearer ${CANARY}-1`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: `user_id=${userId}&reason=force_logout`,
    });
  });

  it("sends no reason unless it is given one", async () => {
    await using server = await tokenEndpoint(ended);
    await end(server);
    expect(server.requests[0]?.body).toBe(`user_id=${userId}`);
  });

  it("sends the request once more with another token when the first one is refused", async () => {
    await using server = await tokenEndpoint(json(401, { error: "unauthorized" }), ended);
    await end(server);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${CANARY}-1`,
      `Bearer ${CANARY}-2`,
    ]);
  });

  it.each<[string, Answer, string, RegExp]>([
    [
      "an unknown user",
      json(400, { error: "user not found" }),
      "request_refused",
      /user not found.*user's id/,
    ],
    ["a missing scope", json(403, { error: "forbidden" }), "request_refused", /user-session-public:end/],
    ["a refused token", json(401, { error: "unauthorized" }), "token_refused", /scope/],
    ["an overload", json(503, {}), "token_unavailable", /503/],
    [
      "a redirect",
      (response) => void response.writeHead(302, { location: "/elsewhere" }).end(),
      "token_unexpected_response",
      /302/,
    ],
    ["a broken connection", reset, "token_network", /could not be reached/],
  ])("rejects for %s", async (_, answer, code, message) => {
    await using server = await tokenEndpoint(answer);
    const error = await failure(end(server));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(server.requests.length).toBeLessThanOrEqual(2);
  });

  it("repeats no token that the answer repeats", async () => {
    await using server = await tokenEndpoint((response, request) =>
      json(400, { error: "bad", error_description: `you sent ${request.headers.authorization}` })(
        response,
        request,
      ),
    );
    const error = await failure(end(server));
    expect(error.errorDescription).toContain("you sent");
    expect(shown(error)).not.toContain(CANARY);
  });

  it("waits as long as timeoutMs says, and no longer", async () => {
    await using server = await tokenEndpoint(silence);
    expect((await failure(end(server, { timeoutMs: 50 }))).code).toBe("token_timeout");
  });

  it("rejects with the reason of its signal", async () => {
    await using server = await tokenEndpoint(silence);
    const controller = new AbortController();
    const call = end(server, { signal: controller.signal });
    await expect.poll(() => server.requests.length).toBe(1);
    controller.abort(new Error("no longer needed"));
    await expect(call).rejects.toThrow("no longer needed");
  });

  it.each([
    ["an e-mail address", { userId: "ann@example.com" }, /24 characters/],
    ["no id", { userId: undefined }, /24 characters/],
    ["another reason", { reason: "because" }, /force_logout/],
    ["a time limit of zero", { timeoutMs: 0 }, /timeoutMs/],
  ])("refuses %s and sends nothing", async (_, options, message) => {
    await using server = await tokenEndpoint(ended);
    await expect(end(server, options)).rejects.toThrow(TypeError);
    await expect(end(server, options)).rejects.toThrow(message);
    expect(server.requests).toEqual([]);
  });

  it("refuses a source without an identity host, and asks it for no token", async () => {
    const source = sourceAt(undefined);
    await expect(endUserSession(source, { userId })).rejects.toThrow(/names no identity host/);
    expect(source.asked).toEqual([]);
  });

  it("refuses an identity host in the clear", async () => {
    const source = sourceAt("http://acme.talkdeskid.com");
    await expect(endUserSession(source, { userId })).rejects.toThrow(TypeError);
    expect(source.asked).toEqual([]);
  });
});
