import { type ClientCredentialsOptions, clientCredentials, talkdeskClient } from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import {
  type Answer,
  clientOf,
  eventually,
  failure,
  granted,
  json,
  rejection,
  reset,
  tokenEndpoint,
} from "./support/token-endpoint.js";

/** Tokens that count up, as a server that keeps count gives them. */
const counting = (members: Record<string, unknown> = {}): Answer => {
  let count = 0;
  return (response, request) => {
    count += 1;
    const body = { access_token: `token-${count}`, token_type: "Bearer", expires_in: 599, ...members };
    json(200, body)(response, request);
  };
};

describe("clientCredentials", () => {
  it("asks the token endpoint with the client's own credentials", async () => {
    await using endpoint = await tokenEndpoint(granted);
    const source = clientCredentials(clientOf(endpoint));
    expect((await source.getToken()).authorization).toBe("Bearer token-1");
    expect(endpoint.requests).toHaveLength(1);
    expect(endpoint.requests[0]).toMatchObject({
      method: "POST",
      url: "/oauth/token",
      headers: { authorization: `Basic ${btoa("client-1:secret-1")}` },
      body: "grant_type=client_credentials",
    });
  });

  it.each([
    ["contacts:read  users:read contacts:read", "contacts%3Aread+users%3Aread"],
    [["users:read", "contacts:read"], "users%3Aread+contacts%3Aread"],
  ])("asks for the scopes of %j, each once", async (scope, encoded) => {
    await using endpoint = await tokenEndpoint(granted);
    await clientCredentials(clientOf(endpoint), { scope }).getToken();
    expect(endpoint.requests[0]?.body).toBe(`grant_type=client_credentials&scope=${encoded}`);
  });

  it("asks for the scopes that the list had when the source was made", async () => {
    await using endpoint = await tokenEndpoint(granted);
    const scope = ["users:read"];
    const source = clientCredentials(clientOf(endpoint), { scope });
    scope.push("everything");
    await source.getToken();
    expect(endpoint.requests[0]?.body).toBe("grant_type=client_credentials&scope=users%3Aread");
  });

  it("sends nothing before the first call", async () => {
    await using endpoint = await tokenEndpoint(granted);
    clientCredentials(clientOf(endpoint));
    await new Promise((resolve) => setImmediate(resolve));
    expect(endpoint.sockets).toHaveLength(0);
  });

  it("has the gateway, the token endpoint and the identity host", () => {
    const client = talkdeskClient({ account: "Acme", region: "eu", authentication: () => {} });
    expect(clientCredentials(client)).toMatchObject({
      api: "https://api.talkdeskapp.eu",
      tokenEndpoint: "https://acme.talkdeskid.eu/oauth/token",
    });
  });

  it("works without `this`", async () => {
    await using endpoint = await tokenEndpoint(granted);
    const { getToken, close } = clientCredentials(clientOf(endpoint));
    expect((await getToken()).value).toBe("token-1");
    await close();
    expect(await rejection(getToken())).toMatchObject({ code: "source_closed" });
  });

  it.each<[string, ClientCredentialsOptions]>([
    ["scope must name", { scope: "" }],
    ["scope must name", { scope: [] }],
    ["scope has a name", { scope: 'a"b' }],
    ["scope must be", { scope: 7 as never }],
    ["refreshEarlyMs must be", { refreshEarlyMs: -1 }],
    ["refreshEarlyMs must be", { refreshEarlyMs: Number.NaN }],
    ["refreshEarlyMs must be", { refreshEarlyMs: Number.POSITIVE_INFINITY }],
    ["refreshEarlyMs must be", { refreshEarlyMs: "60000" as never }],
    ["onEvent must be", { onEvent: "log" as never }],
  ])("throws a TypeError at once: %s … (%j)", (message, options) => {
    const client = talkdeskClient({ account: "acme", authentication: () => {} });
    expect(() => clientCredentials(client, options)).toThrow(TypeError);
    expect(() => clientCredentials(client, options)).toThrow(message);
  });

  it("makes one request for ten thousand concurrent callers", async () => {
    await using endpoint = await tokenEndpoint(counting());
    const source = clientCredentials(clientOf(endpoint));
    const tokens = await Promise.all(Array.from({ length: 10_000 }, () => source.getToken()));
    expect(new Set(tokens.map(({ value }) => value))).toEqual(new Set(["token-1"]));
    expect(endpoint.requests).toHaveLength(1);
  });

  it("replaces a refused token once for a thousand reports", async () => {
    await using endpoint = await tokenEndpoint(counting());
    const source = clientCredentials(clientOf(endpoint));
    const rejected = await source.getToken();
    const tokens = await Promise.all(Array.from({ length: 1_000 }, () => source.getToken({ rejected })));
    expect(new Set(tokens.map(({ value }) => value))).toEqual(new Set(["token-2"]));
    expect(endpoint.requests).toHaveLength(2);
  });

  it("survives a connection that breaks under a request", async () => {
    await using endpoint = await tokenEndpoint(reset, counting());
    expect((await clientCredentials(clientOf(endpoint)).getToken()).value).toBe("token-1");
    expect(endpoint.requests).toHaveLength(2);
  });

  it("rejects with the server's error, and asks again at the next call", async () => {
    await using endpoint = await tokenEndpoint(json(401, { error: "invalid_client" }), granted);
    const source = clientCredentials(clientOf(endpoint));
    const error = await failure(source.getToken());
    expect(error).toMatchObject({ code: "client_refused", status: 401, error: "invalid_client" });
    expect((await source.getToken()).value).toBe("token-1");
  });

  it("keeps the server's Retry-After, without a request before it has passed", async () => {
    await using endpoint = await tokenEndpoint(json(503, {}, { "retry-after": "60" }));
    const source = clientCredentials(clientOf(endpoint));
    const before = Date.now();
    const errors = [await failure(source.getToken()), await failure(source.getToken())];
    for (const { code, retryAt = 0 } of errors) {
      expect(code).toBe("token_unavailable");
      expect(retryAt).toBeGreaterThanOrEqual(before + 60_000);
      expect(retryAt).toBeLessThanOrEqual(Date.now() + 60_000);
    }
    expect(endpoint.requests).toHaveLength(1);
  });

  it("ends the request in flight when it is closed", async () => {
    let isCut = false;
    await using endpoint = await tokenEndpoint((response) => {
      response.once("close", () => {
        isCut = true;
      });
    });
    const source = clientCredentials(clientOf(endpoint));
    const waiting = rejection(source.getToken());
    await eventually(() => endpoint.requests.length === 1);
    await source.close();
    expect(await waiting).toMatchObject({ code: "source_closed" });
    await eventually(() => isCut);
  });

  it("keeps the request in flight when a caller aborts", async () => {
    let answer = (): void => {};
    await using endpoint = await tokenEndpoint((response, request) => {
      answer = () => granted(response, request);
    });
    const source = clientCredentials(clientOf(endpoint));
    const controller = new AbortController();
    const waiting = rejection(source.getToken({ signal: controller.signal }));
    await eventually(() => endpoint.requests.length === 1);
    controller.abort("gone");
    expect(await waiting).toBe("gone");
    const token = source.getToken();
    answer();
    expect((await token).value).toBe("token-1");
    expect(endpoint.requests).toHaveLength(1);
  });
});
