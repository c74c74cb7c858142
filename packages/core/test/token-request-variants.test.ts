import {
  type AccessToken,
  type ClientAuthentication,
  clientCredentials,
  clientSecretBasic,
  finishAuthorization,
  privateKeyJwt,
  serviceToken,
  startAuthorization,
  type TalkdeskClient,
  talkdeskClient,
  userSession,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REGIONS } from "./support/regions.js";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator();
});
afterAll(() => talkdesk.stop());

const proofs: Record<string, () => ClientAuthentication> = {
  Basic() {
    const { clientId, clientSecret } = talkdesk.clients.get();
    return clientSecretBasic({ clientId, clientSecret });
  },
  JWT() {
    const { clientId, keyId, privateKey } = talkdesk.clients.get();
    return privateKeyJwt({ clientId, keyId, privateKey });
  },
};

const calls = async (client: TalkdeskClient, { authorization }: AccessToken): Promise<number> =>
  (await fetch(`${client.endpoints.api}/users?per_page=1`, { headers: { authorization } })).status;

async function logIn(client: TalkdeskClient, pkce: boolean) {
  const [redirectUri = ""] = talkdesk.clients.get().redirectUris;
  const pending = await startAuthorization(client, { redirectUri, scope: "openid users:read", pkce });
  const redirect = await fetch(pending.url, { redirect: "manual" });
  return finishAuthorization(client, redirect.headers.get("location") ?? "", pending);
}

describe.each(REGIONS)("in %s", (region) => {
  describe.each(Object.keys(proofs))("with %s", (proof) => {
    const makeClient = (): TalkdeskClient =>
      talkdeskClient({
        endpoints: talkdesk.endpoints(undefined, region),
        authentication: proofs[proof]?.() ?? (() => {}),
      });

    it("client credentials", async () => {
      const client = makeClient();
      const token = await clientCredentials(client, { scope: "users:read" }).getToken();
      expect(token.scope).toEqual(["users:read"]);
      expect(await calls(client, token)).toBe(200);
    });

    it("a service token, sent bare", async () => {
      const client = makeClient();
      const token = await serviceToken(client, { lifetimeSeconds: 86_400 }).getToken();
      expect(token.authorization).toBe(token.value);
      expect(await calls(client, token)).toBe(200);
    });

    it.each([false, true])("an authorization code, PKCE: %s", async (pkce) => {
      const client = makeClient();
      const { token, claims } = await logIn(client, pkce);
      expect(claims).toMatchObject({ aud: talkdesk.clients.get().clientId });
      expect(await calls(client, token)).toBe(200);
    });

    it("a refresh", async () => {
      const client = makeClient();
      const { token } = await logIn(client, false);
      await using session = userSession(client, { key: "a user", token });
      const refreshed = await session.getToken({ rejected: token });
      expect(refreshed.value).not.toBe(token.value);
      expect(refreshed.refreshToken).not.toBe(token.refreshToken);
      expect(await calls(client, refreshed)).toBe(200);
    });
  });
});
