import {
  clientCredentials,
  publicClient,
  requestToken,
  serviceToken,
  startAuthorization,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import { clientOf, granted, tokenEndpoint } from "./support/token-endpoint.js";

const client = talkdeskClient({ account: "acme", authentication: publicClient({ clientId: "client-1" }) });
const redirectUri = "http://127.0.0.1:8080/callback";

describe("publicClient", () => {
  it("sends the client's id in the body, and no proof", async () => {
    await using server = await tokenEndpoint(granted);
    const authentication = publicClient({ clientId: "client-1" });
    const grant = { grant_type: "refresh_token", refresh_token: "refresh-1" } as const;
    await requestToken(clientOf(server, { authentication }), grant);
    const [request] = server.requests;
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      ...grant,
      client_id: "client-1",
    });
    expect(request?.headers).not.toHaveProperty("authorization");
  });

  it("logs users in with PKCE", async () => {
    const pending = await startAuthorization(client, { redirectUri });
    expect(pending.codeVerifier).toMatch(/^[\w-]{43}$/);
    expect(new URL(pending.url).searchParams.get("code_challenge_method")).toBe("S256");
  });

  it("does not log users in without PKCE", async () => {
    await expect(startAuthorization(client, { redirectUri, pkce: false })).rejects.toThrow(
      new TypeError("A public client needs PKCE: leave pkce out."),
    );
  });

  it("has no tokens of its own", () => {
    expect(() => clientCredentials(client)).toThrow(TypeError);
    expect(() => serviceToken(client)).toThrow(/A public client cannot have tokens of its own/);
  });

  it.each(["", "client\n", undefined as never])("refuses %j as the client's id", (clientId) => {
    expect(() => publicClient({ clientId })).toThrow(/^clientId must/);
  });

  it("has the client's id, and cannot be changed", () => {
    const authentication = publicClient({ clientId: "client-1" });
    expect(authentication.clientId).toBe("client-1");
    expect(Object.isFrozen(authentication)).toBe(true);
  });
});
