import {
  checkClient,
  checkIssuers,
  checkLoginClient,
  checkRedirectUri,
  checkScope,
  checkTokenStore,
  clientCredentials,
  clientSecretBasic,
  encryptedStore,
  finishAuthorization,
  memoryStore,
  requestToken,
  serviceToken,
  startAuthorization,
  talkdeskClient,
  userSession,
} from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";

const authentication = clientSecretBasic({ clientId: "an-id", clientSecret: "a-secret" });
const client = talkdeskClient({ account: "acme", authentication });
const redirectUri = "https://app.example.com/auth/callback";

/** Whether a function takes what it was given: the message, when it threw or rejected with a TypeError. */
async function verdict(call: () => unknown): Promise<string> {
  try {
    await call();
    return "taken";
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as Error).message;
  }
}

async function verdicts(...calls: (() => unknown)[]): Promise<readonly string[]> {
  return [...new Set(await Promise.all(calls.map(verdict)))];
}

describe("a scope is judged alike wherever it is given", () => {
  const everywhere = (scope: unknown): Promise<readonly string[]> =>
    verdicts(
      () => checkScope(scope),
      () => clientCredentials(client, { scope } as never),
      () => serviceToken(client, { scope } as never),
      () => userSession(client, { key: "a", scope } as never),
      () => startAuthorization(client, { redirectUri, scope } as never),
    );

  it.each([
    "openid",
    "openid  refresh_token",
    " openid\trefresh_token\n",
    "openid openid",
    ["openid", "refresh_token"],
    ["openid refresh_token", ""],
    "!#[]~",
  ])("%j is taken", async (scope) => {
    expect(await everywhere(scope)).toEqual(["taken"]);
  });

  it.each(["", "  ", [], [""], 7, {}, null, ["openid", 7], 'say"hi"', "back\\slash", "büro", "a\u00a0b"])(
    "%j is refused",
    async (scope) => {
      expect(await everywhere(scope)).toEqual([expect.stringMatching(/^scope /)]);
    },
  );
});

describe("a redirect URI is judged alike wherever it is given", () => {
  const pending = { url: "https://acme.talkdeskid.com/oauth/authorize", state: "s", nonce: "n" };
  const refused = (value: unknown): Promise<readonly string[]> =>
    verdicts(
      () => checkRedirectUri(value),
      () => startAuthorization(client, { redirectUri: value } as never),
      () => finishAuthorization(client, "state=s&code=c", { ...pending, redirectUri: value } as never),
    );

  it.each([
    redirectUri,
    "http://localhost:3000/callback",
    "http://127.0.0.1/callback",
    "http://[::1]:3000/callback",
    "https://bücher.example/callback",
    "https://app.example.com/callback?tenant=1",
  ])("%s is taken", async (value) => {
    const calls = [
      () => checkRedirectUri(value),
      () => startAuthorization(client, { redirectUri: value }),
    ] as const;
    expect(await verdicts(...calls)).toEqual(["taken"]);
  });

  it.each([
    undefined,
    7,
    new URL(redirectUri),
    "/auth/callback",
    "http://app.example.com/callback",
    "https://app.example.com./callback",
    "https://user:hunter2@app.example.com/callback",
    "https://app.example.com/callback#",
    "https://app.example.com/call back",
    "https://app.example.com/callback\n",
    " https://app.example.com/callback",
    "javascript:alert(1)",
  ])("%s is refused", async (value) => {
    expect(await refused(value)).toEqual([expect.stringMatching(/^redirectUri (?!.*hunter2)/)]);
  });
});

describe("a store is judged alike wherever it is given", () => {
  const everywhere = (store: unknown): Promise<readonly string[]> =>
    verdicts(
      () => checkTokenStore(store),
      () => clientCredentials(client, { store, key: "a" } as never),
      () => serviceToken(client, { store, key: "a" } as never),
      () => userSession(client, { store, key: "a" } as never),
      () => encryptedStore(store as never, "a secret for tests, of 32 characters or more"),
    );

  it("memoryStore, or a store with its functions on a prototype, is accepted", async () => {
    expect(await everywhere(memoryStore())).toEqual(["taken"]);
    expect(await everywhere(Object.create(memoryStore()))).toEqual(["taken"]);
  });

  it.each([null, 7, "store", {}, new Map(), { ...memoryStore(), lock: undefined }])(
    "%s is refused",
    async (store) => {
      expect(await everywhere(store)).toEqual([expect.stringMatching(/^store must be a TokenStore/)]);
    },
  );
});

describe("a client is judged alike wherever it is given", () => {
  const everywhere = (given: unknown): Promise<readonly string[]> =>
    verdicts(
      () => checkClient(given),
      () => checkLoginClient(given),
      () =>
        requestToken(given as never, { grant_type: "client_credentials" }, { signal: AbortSignal.abort() }),
      () => clientCredentials(given as never),
      () => serviceToken(given as never),
      () => userSession(given as never, { key: "a" }),
      () => startAuthorization(given as never, { redirectUri }),
      () => finishAuthorization(given as never, "", {} as never),
    );

  it.each([undefined, null, 7, "acme", {}, { account: "acme", authentication }, () => client])(
    "%s is refused",
    async (given) => {
      expect(await everywhere(given)).toEqual([expect.stringMatching(/^client must be a TalkdeskClient/)]);
    },
  );

  it("a client with a replaced member is accepted", async () => {
    const calls = [
      () => checkClient({ ...client, fetch }),
      () => checkLoginClient({ ...client, timeoutMs: 5 }),
    ] as const;
    expect(await verdicts(...calls)).toEqual(["taken"]);
  });

  it("a client without a clientId cannot log users in", async () => {
    const nameless = talkdeskClient({ account: "acme", authentication: () => {} });
    expect(await verdict(() => checkClient(nameless))).toBe("taken");
    const calls = [
      () => checkLoginClient(nameless),
      () => startAuthorization(nameless, { redirectUri }),
      () => finishAuthorization(nameless, "", {} as never),
    ] as const;
    expect(await verdicts(...calls)).toEqual([expect.stringContaining("clientId")]);
  });
});

describe("issuers are judged alike wherever they are given", () => {
  it.each([null, 7, "https://acme.talkdeskid.com", [], [""], [7], {}])("%j are refused", async (issuers) => {
    const pending = await startAuthorization(client, { redirectUri });
    const calls = [
      () => checkIssuers(issuers),
      () => finishAuthorization(client, "", pending, { issuers } as never),
    ] as const;
    expect(await verdicts(...calls)).toEqual([expect.stringMatching(/^issuers must be /)]);
  });
});
