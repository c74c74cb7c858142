import { generateKeyPairSync } from "node:crypto";
import {
  accessToken,
  clientCredentials,
  clientSecretBasic,
  deserializeToken,
  encryptedStore,
  finishAuthorization,
  memoryStore,
  privateKeyJwt,
  requestToken,
  serializeToken,
  serviceToken,
  startAuthorization,
  type TalkdeskClient,
  talkdeskClient,
  userSession,
} from "@talkdesk-oauth/core";
import { afterEach, beforeEach, expect, it } from "vitest";

/**
 * `RegExp.input`, `RegExp.lastMatch` and similar members hold the last text that matched any regular expression. All
 * code of the process can read them. So no match of a secret by one of ours may be the last, once others can run.
 */
const left: string[] = [];
const { exec } = RegExp.prototype;
let isLooking = false;

beforeEach(() => {
  left.length = 0;
  let matches = 0;
  RegExp.prototype.exec = function (text) {
    const match = exec.call(this, text);
    // A stack is made with regular expressions too.
    if (match === null || isLooking) return match;
    matches += 1;
    const mine = matches;
    isLooking = true;
    const [caller = ""] = (new Error("here").stack ?? "")
      .split("\n")
      .filter((line) => line.includes("/") && !line.includes("regexp-statics"));
    isLooking = false;
    if (["src", "dist"].some((folder) => caller.includes(`/packages/core/${folder}/`))) {
      queueMicrotask(() => {
        if (matches === mine) left.push(text);
      });
    }
    return match;
  };
});

afterEach(() => {
  RegExp.prototype.exec = exec;
});

const SECRET = "canary+secret/with=characters%that encodings change";
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const PEM = privateKey.export({ type: "pkcs8", format: "pem" }) as string;

const tokens = (refreshToken: string) => ({
  access_token: "canary-access-token",
  token_type: "bearer",
  expires_in: 599,
  refresh_token: refreshToken,
  id_token: "canary-id-token",
  sid: "canary-sid",
});

function client(
  authentication: TalkdeskClient["authentication"],
  answer: () => Response = () => Response.json(tokens("canary-refresh-token-2")),
): TalkdeskClient {
  return talkdeskClient({ account: "acme", authentication, fetch: async () => answer() });
}

const basic = (encoding?: "form") =>
  clientSecretBasic({ clientId: "id", clientSecret: SECRET, ...(encoding && { encoding }) });
const signed = (key: string) => privateKeyJwt({ clientId: "id", keyId: "key", privateKey: key });
const refused = () =>
  Response.json({ error: "invalid_client", error_description: `no ${SECRET}` }, { status: 401 });

const uses: readonly [name: string, use: () => Promise<unknown>][] = [
  ["a token for a secret", () => clientCredentials(client(basic())).getToken()],
  ["a token for a secret in form encoding", () => clientCredentials(client(basic("form"))).getToken()],
  ["a service token", () => serviceToken(client(basic())).getToken()],
  ["a token for a key", () => clientCredentials(client(signed(PEM))).getToken()],
  [
    "a token for a key in one line",
    () => clientCredentials(client(signed(PEM.replaceAll("\n", "\\n")))).getToken(),
  ],
  [
    "a refusal that repeats the secret",
    () => requestToken(client(basic(), refused), { grant_type: "client_credentials" }).catch(() => {}),
  ],
  [
    "a refusal of an assertion",
    () => requestToken(client(signed(PEM), refused), { grant_type: "client_credentials" }).catch(() => {}),
  ],
  [
    "a session that is refreshed, in an encrypted store",
    async () => {
      const store = encryptedStore(memoryStore(), "canary-secret-of-32-characters-or-more");
      const token = accessToken({
        value: "canary-access-token-1",
        refreshToken: "canary-refresh-token-1",
        expiresAt: Date.now() + 599_000,
      });
      const session = userSession(client(basic()), { store, key: "canary-key-of-the-session", token });
      const rejected = await session.getToken();
      await session.getToken({ rejected });
      await session.end();
    },
  ],
  [
    "a login that is finished",
    async () => {
      const pending = await startAuthorization(client(basic()), {
        redirectUri: "https://app.example/callback",
      });
      await finishAuthorization(
        client(basic()),
        `https://app.example/callback?code=canary-code&state=${pending.state}`,
        pending,
      ).catch(() => {});
    },
  ],
  [
    "a token as text",
    async () => {
      const token = accessToken({
        value: "canary-access-token",
        expiresAt: 1,
        refreshToken: "canary-refresh",
      });
      deserializeToken(serializeToken(token));
    },
  ],
];

const shown = (text: string): boolean =>
  /canary|MIG|[A-Za-z0-9+/_-]{40}/.test(text) ||
  text.includes(Buffer.from(`id:${SECRET}`).toString("base64"));

it.each(uses)("no secret of %s is left in the statics of RegExp", async (_, use) => {
  await use();
  await Promise.resolve();
  expect(left.filter(shown)).toEqual([]);
});

it("would notice a secret there", async () => {
  // Core matches the name of an account, which is not secret.
  talkdeskClient({ account: "canary-account", authentication: basic() });
  await Promise.resolve();
  expect(left.filter(shown)).toContain("canary-account");
});
