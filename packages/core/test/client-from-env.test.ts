import { clientSecretBasic, requestToken, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import jwt from "jsonwebtoken";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { issued, KEYS, pem } from "./support/signing-keys.js";
import { granted, tokenEndpoint } from "./support/token-endpoint.js";

const env = { TALKDESK_ACCOUNT: "acme", TALKDESK_CLIENT_ID: "client-1", TALKDESK_CLIENT_SECRET: "secret-1" };
const urls = {
  TALKDESK_TOKEN_URL: "https://id.example.com/token",
  TALKDESK_AUTHORIZE_URL: "https://id.example.com/authorize",
  TALKDESK_JWKS_URL: "https://id.example.com/keys",
  TALKDESK_API_URL: "https://api.example.com",
};

describe("talkdeskClientFromEnv", () => {
  it("makes a client of account, id and secret", async () => {
    const client = talkdeskClientFromEnv(env);
    expect(client.endpoints.token).toBe("https://acme.talkdeskid.com/oauth/token");
    expect(client.authentication.clientId).toBe("client-1");
    const headers = new Headers();
    await client.authentication({
      endpoints: client.endpoints,
      headers,
      body: new URLSearchParams(),
      now: 0,
    });
    expect(headers.get("authorization")).toBe(`Basic ${Buffer.from("client-1:secret-1").toString("base64")}`);
  });

  it.each(["eu", "EU", "Eu"])("takes the region %s", (region) => {
    expect(talkdeskClientFromEnv({ ...env, TALKDESK_REGION: region }).endpoints.api).toBe(
      "https://api.talkdeskapp.eu",
    );
  });

  it.each([
    ["TALKDESK_TOKEN_URL", "token", "https://x.example.com/t"],
    ["TALKDESK_AUTHORIZE_URL", "authorize", "https://x.example.com/a"],
    ["TALKDESK_JWKS_URL", "jwks", "https://x.example.com/j"],
    ["TALKDESK_API_URL", "api", "https://x.example.com"],
  ] as const)("lets %s replace one address", (variable, name, address) => {
    const { endpoints } = talkdeskClientFromEnv({ ...env, [variable]: address });
    expect(endpoints).toEqual({ ...talkdeskClientFromEnv(env).endpoints, [name]: address });
  });

  it("needs no account when all four addresses are set, and ignores the region", () => {
    const { TALKDESK_ACCOUNT: _, ...rest } = env;
    expect(talkdeskClientFromEnv({ ...rest, ...urls, TALKDESK_REGION: "eu" }).endpoints).toEqual({
      identity: "https://id.example.com",
      token: "https://id.example.com/token",
      authorize: "https://id.example.com/authorize",
      jwks: "https://id.example.com/keys",
      api: "https://api.example.com",
    });
  });

  it("needs no account when the addresses of the identity host and of the API are set", () => {
    const { TALKDESK_ACCOUNT: _, ...rest } = env;
    const places = {
      TALKDESK_IDENTITY_URL: "https://id.example.com",
      TALKDESK_API_URL: urls.TALKDESK_API_URL,
    };
    expect(talkdeskClientFromEnv({ ...rest, ...places }).endpoints).toEqual({
      identity: "https://id.example.com",
      token: "https://id.example.com/oauth/token",
      authorize: "https://id.example.com/oauth/authorize",
      jwks: "https://id.example.com/oauth/2023-10/certs",
      api: "https://api.example.com",
    });
  });

  it("lets options replace the variables", async () => {
    const authentication = clientSecretBasic({ clientId: "client-2", clientSecret: "secret-2" });
    const client = talkdeskClientFromEnv(
      { TALKDESK_REGION: "ca", TALKDESK_TOKEN_URL: "https://x.example.com/t" },
      {
        account: "globex",
        region: "eu",
        authentication,
        timeoutMs: 5,
        endpoints: { api: "https://a.example" },
      },
    );
    expect([client.authentication, client.timeoutMs]).toEqual([authentication, 5]);
    expect(client.endpoints).toMatchObject({
      identity: "https://globex.talkdeskid.eu",
      token: "https://x.example.com/t",
      api: "https://a.example",
    });
    expect(talkdeskClientFromEnv(env, { timeoutMs: 7 }).timeoutMs).toBe(7);
  });

  it("has the original error as the cause", () => {
    try {
      talkdeskClientFromEnv({ ...env, TALKDESK_REGION: "uk" });
      expect.unreachable();
    } catch (error) {
      expect((error as Error).cause).toBeInstanceOf(TypeError);
    }
  });

  it("treats an empty variable as absent", () => {
    const client = talkdeskClientFromEnv({ ...env, TALKDESK_REGION: "", TALKDESK_API_URL: "" });
    expect(client.endpoints.api).toBe("https://api.talkdeskapp.com");
    expect(() => talkdeskClientFromEnv({ ...env, TALKDESK_CLIENT_SECRET: "" })).toThrow(
      new TypeError(
        "Set TALKDESK_CLIENT_SECRET (or TALKDESK_KEY_ID and TALKDESK_PRIVATE_KEY) in the environment.",
      ),
    );
  });

  it("names every variable that is missing", () => {
    expect(() => talkdeskClientFromEnv({})).toThrow(
      new TypeError(
        "Set TALKDESK_ACCOUNT and TALKDESK_CLIENT_ID and TALKDESK_CLIENT_SECRET (or TALKDESK_KEY_ID and TALKDESK_PRIVATE_KEY) in the environment.",
      ),
    );
    const { TALKDESK_API_URL: _, ...three } = urls;
    expect(() =>
      talkdeskClientFromEnv({ ...three, TALKDESK_CLIENT_ID: "i", TALKDESK_CLIENT_SECRET: "s" }),
    ).toThrow(new TypeError("Set TALKDESK_ACCOUNT in the environment."));
  });

  it.each([
    ["TALKDESK_ACCOUNT", "canary.example"],
    ["TALKDESK_REGION", "canary"],
    ["TALKDESK_CLIENT_ID", "can:ary"],
    ["TALKDESK_CLIENT_SECRET", "canary\n"],
    ["TALKDESK_TOKEN_URL", "https://user:canary@id.example.com/token"],
    ["TALKDESK_API_URL", "https://api.example.com/canary"],
  ])("refuses a %s that cannot be used with a TypeError, without its value", (variable, value) => {
    const make = () => talkdeskClientFromEnv({ ...env, [variable]: value });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(/^In the environment \(TALKDESK_…\): /);
    expect(make).not.toThrow(/canary|can:ary/);
  });

  describe("with a key", () => {
    const { TALKDESK_CLIENT_SECRET: _, ...withoutSecret } = env;
    const key = issued(KEYS.ES256.privateKey);
    const keyed = { ...withoutSecret, TALKDESK_KEY_ID: "key-1", TALKDESK_PRIVATE_KEY: key };

    async function header(variables: Record<string, string>): Promise<unknown> {
      const { authentication, endpoints } = talkdeskClientFromEnv(variables);
      const body = new URLSearchParams();
      await authentication({ endpoints, headers: new Headers(), body, now: 0 });
      return jwt.decode(body.get("client_assertion") ?? "", { complete: true })?.header;
    }

    it("signs assertions", async () => {
      expect(talkdeskClientFromEnv(keyed).authentication.clientId).toBe("client-1");
      expect(await header(keyed)).toEqual({ alg: "ES256", kid: "key-1" });
    });

    it("takes a key whose line breaks were written as \\n", async () => {
      const pasted = pem(KEYS.ES256.privateKey).replaceAll("\n", "\\n");
      expect(await header({ ...keyed, TALKDESK_PRIVATE_KEY: pasted })).toMatchObject({ alg: "ES256" });
    });

    it.each(["PS384", "ps384"])("takes the algorithm %s", async (algorithm) => {
      const rsa = { ...keyed, TALKDESK_PRIVATE_KEY: issued(KEYS.PS384.privateKey) };
      expect(await header({ ...rsa, TALKDESK_KEY_ALGORITHM: algorithm })).toMatchObject({ alg: "PS384" });
      expect(await header({ ...rsa, TALKDESK_KEY_ALGORITHM: "" })).toMatchObject({ alg: "PS256" });
    });

    it.each([
      [["TALKDESK_KEY_ID"], "Set TALKDESK_KEY_ID in the environment."],
      [["TALKDESK_PRIVATE_KEY"], "Set TALKDESK_PRIVATE_KEY in the environment."],
      [
        ["TALKDESK_CLIENT_ID", "TALKDESK_KEY_ID"],
        "Set TALKDESK_CLIENT_ID and TALKDESK_KEY_ID in the environment.",
      ],
    ])("names what is missing without %j", (absent, message) => {
      const rest = Object.fromEntries(Object.entries(keyed).filter(([name]) => !absent.includes(name)));
      expect(() => talkdeskClientFromEnv(rest)).toThrow(new TypeError(message));
    });

    it("takes an algorithm alone for a key that is missing", () => {
      expect(() => talkdeskClientFromEnv({ ...withoutSecret, TALKDESK_KEY_ALGORITHM: "ES256" })).toThrow(
        new TypeError("Set TALKDESK_KEY_ID and TALKDESK_PRIVATE_KEY in the environment."),
      );
    });

    it.each([
      [{ TALKDESK_PRIVATE_KEY: key }, "TALKDESK_PRIVATE_KEY"],
      [{ TALKDESK_KEY_ID: "key-1" }, "TALKDESK_KEY_ID"],
      [
        { TALKDESK_KEY_ALGORITHM: "ES256", TALKDESK_KEY_ID: "key-1", TALKDESK_PRIVATE_KEY: key },
        "TALKDESK_PRIVATE_KEY and TALKDESK_KEY_ID and TALKDESK_KEY_ALGORITHM",
      ],
    ])("refuses to choose between a secret and a key", (variables, names) => {
      expect(() => talkdeskClientFromEnv({ ...env, ...variables })).toThrow(
        new TypeError(
          `The environment has both a secret and a key: remove ${names} to send the secret, or TALKDESK_CLIENT_SECRET to sign with the key, as apps listed on AppConnect must.`,
        ),
      );
    });

    it.each([
      ["TALKDESK_KEY_ID", "canary\n"],
      ["TALKDESK_PRIVATE_KEY", "canary"],
      [
        "TALKDESK_PRIVATE_KEY",
        KEYS.ES256.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
      ],
      ["TALKDESK_KEY_ALGORITHM", "canary"],
      ["TALKDESK_KEY_ALGORITHM", "ES384"],
    ])("refuses a %s that cannot be used with a TypeError, without its value", (variable, value) => {
      const make = () => talkdeskClientFromEnv({ ...keyed, [variable]: value });
      expect(make).toThrow(TypeError);
      expect(make).toThrow(/^In the environment \(TALKDESK_…\): (?:privateKey|keyId|algorithm) /);
      expect(make).not.toThrow(/canary/i);
      expect(make).not.toThrow(key.slice(8, 24));
    });
  });

  it("reads the environment of the process when called, not before", () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv("TALKDESK_ACCOUNT", "from-process");
    vi.stubEnv("TALKDESK_CLIENT_ID", "i");
    vi.stubEnv("TALKDESK_CLIENT_SECRET", "s");
    expect(talkdeskClientFromEnv().endpoints.token).toBe("https://from-process.talkdeskid.com/oauth/token");
  });

  it("makes a client that works", async () => {
    await using server = await tokenEndpoint(granted);
    const client = talkdeskClientFromEnv({ ...env, TALKDESK_TOKEN_URL: server.endpoints.token });
    expect((await requestToken(client, { grant_type: "client_credentials" })).value).toBe("token-1");
  });
});
