import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { type ScriptFolder, scriptFolder } from "@talkdesk-oauth/fixtures/script-folder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const REDIRECT_URI = "https://app.example/callback";

/** The beginning of every script. It keeps no process alive: it has no server, no socket and no timer. */
const PREAMBLE = `
import * as core from "./index.js";
const { TOKEN_URL, API_URL, CLIENT_ID, CLIENT_SECRET } = process.env;
const never = () => new Promise(() => {});
const talkdesk = (options) => core.talkdeskClient({
  endpoints: { token: TOKEN_URL, api: API_URL, authorize: TOKEN_URL, jwks: TOKEN_URL },
  authentication: core.clientSecretBasic({ clientId: CLIENT_ID, clientSecret: CLIENT_SECRET }),
  timeoutMs: 400,
  ...options,
});
const hanging = (...verbs) => {
  const store = core.memoryStore();
  return { ...store, ...Object.fromEntries(verbs.map((verb) => [verb, never])) };
};
const ended = core.accessToken({ value: "t", issuedAt: 1, expiresAt: 2, refreshToken: "refresh-1" });
const granted = async () => Response.json({ access_token: "t", expires_in: 599, refresh_token: "refresh-2" });
const say = (work) => work.then((value) => console.log(value?.type ?? "done"), (error) => console.log(error.code));
`;

// Each waits for its process, which mostly waits itself.
describe.concurrent("a script with nothing else to do", () => {
  let folder: ScriptFolder;
  let talkdesk: Emulator;
  beforeAll(async () => {
    folder = scriptFolder(new URL("../", import.meta.url));
    talkdesk = await startEmulator();
  });
  afterAll(async () => {
    folder[Symbol.dispose]();
    await talkdesk.stop();
  });

  async function run(
    script: string,
  ): Promise<{ code: number | string; lines: readonly string[]; stderr: string }> {
    const { clientId, clientSecret } = talkdesk.clients.get();
    const { token, api } = talkdesk.endpoints();
    const variables = { TOKEN_URL: token, API_URL: api, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret };
    return await folder.start(PREAMBLE + script, variables).end;
  }

  const SECRET = 'core.clientSecretBasic({ clientId: "i", clientSecret: never })';
  const SESSION = 'core.userSession(talkdesk({ fetch: granted }), { key: "k", token: ended, store: STORE })';
  const LOGIN = `{ state: "s", nonce: "n", redirectUri: "${REDIRECT_URI}", url: "https://a.example" }`;

  it.each([
    [
      "a secret",
      `core.requestToken(talkdesk({ authentication: ${SECRET} }), { grant_type: "client_credentials" })`,
      "credentials_unavailable",
    ],
    [
      "a secret, through a source",
      `core.clientCredentials(talkdesk({ authentication: ${SECRET} })).getToken()`,
      "credentials_unavailable",
    ],
    [
      "a proof of one's own",
      "core.clientCredentials(talkdesk({ authentication: never })).getToken()",
      "credentials_unavailable",
    ],
    ["an answer", "core.clientCredentials(talkdesk({ fetch: never })).getToken()", "token_timeout"],
    [
      "a body",
      "core.clientCredentials(talkdesk({ fetch: async () => new Response(new ReadableStream()) })).getToken()",
      "token_timeout",
    ],
    [
      "a store, which client credentials go without",
      'core.clientCredentials(talkdesk({ timeoutMs: 8_000 }), { store: hanging("read"), key: "k" }).getToken()',
      "Bearer",
    ],
    [
      "a lock, which client credentials go without",
      'core.clientCredentials(talkdesk({ timeoutMs: 8_000 }), { store: hanging("lock"), key: "k" }).getToken()',
      "Bearer",
    ],
    [
      "a write, which client credentials go without",
      'core.clientCredentials(talkdesk({ timeoutMs: 8_000 }), { store: hanging("write"), key: "k" }).getToken()',
      "Bearer",
    ],
    [
      "the store of a session",
      `${SESSION.replace("STORE", 'hanging("read")')}.getToken()`,
      "store_unavailable",
    ],
    [
      "the lock of a session",
      `${SESSION.replace("STORE", 'hanging("lock")')}.getToken()`,
      "store_unavailable",
    ],
    [
      "a lock that another holds",
      `${SESSION.replace("STORE", "{ ...hanging(), lock: async () => undefined }")}.getToken()`,
      "lock_timeout",
    ],
    [
      "the removal of a session",
      `${SESSION.replace("STORE", 'hanging("delete")')}.end()`,
      "store_unavailable",
    ],
    [
      "the answer to a code",
      `core.finishAuthorization(talkdesk({ fetch: never }), "?state=s&code=c", ${LOGIN})`,
      "token_timeout",
    ],
    [
      "the keys for an ID token",
      `core.finishAuthorization(talkdesk({ fetch: async (url, { method }) => method === "POST" ? Response.json({ access_token: "t", id_token: "eyJhbGciOiJFUzI1NiJ9.e30.AAAA" }) : never() }), "?state=s&code=c", ${LOGIN})`,
      "id_token_invalid",
    ],
  ])("lives until the deadline of a wait for %s", async (_, call, outcome) => {
    expect(await run(`await say(${call});`)).toEqual({ code: 0, lines: [outcome], stderr: "" });
  });

  it("lives until a session with a write that hangs has been ended", async () => {
    const { code, lines } = await run(`
      const store = hanging();
      const session = core.userSession(talkdesk({ fetch: granted }), { key: "k", token: ended, store: {
        ...store,
        write: (key, value, options) => options.fence === undefined ? store.write(key, value, options) : never(),
        lock: async (key, options) => ({ ...(await store.lock(key, options)), release: never }),
      } });
      await say(session.getToken());
      await say(session.end());`);
    expect({ code, last: lines.at(-1), count: lines.length }).toEqual({ code: 0, last: "done", count: 2 });
  });

  it("lives until a session with a write that hangs has been closed", async () => {
    const { code, lines } = await run(`
      const store = hanging();
      const session = core.userSession(talkdesk({ fetch: granted }), { key: "k", token: ended, store: {
        ...store,
        write: (key, value, options) => options.fence === undefined ? store.write(key, value, options) : never(),
      } });
      await say(session.getToken());
      await say(session.close());`);
    expect({ code, last: lines.at(-1), count: lines.length }).toEqual({ code: 0, last: "done", count: 2 });
  });

  it("lives until the answer to a refresh that is late has been stored", async () => {
    const { code, lines } = await run(`
      const late = () => new Promise((resolve) => setTimeout(() => resolve(granted()), 5_500).unref());
      const store = core.memoryStore();
      // On a busy machine it takes a while until the request is sent.
      const session = core.userSession(talkdesk({ fetch: late, timeoutMs: 4_000 }), { key: "k", token: ended, store: {
        ...store,
        write: (key, value, options) => {
          if (value.includes("refresh-2")) console.log("stored");
          return store.write(key, value, options);
        },
      } });
      await say(session.getToken());`);
    expect({ code, lines }).toEqual({ code: 0, lines: ["refresh_outcome_unknown", "stored"] });
  });

  it.each([
    [
      "a token that it holds",
      "await say(core.clientCredentials(talkdesk({ timeoutMs: 600_000 })).getToken());",
      "Bearer",
    ],
    [
      "a session",
      `await say(${SESSION.replace("STORE", "core.memoryStore()").replace("fetch: granted", "fetch: granted, timeoutMs: 600_000")}.getToken());`,
      "Bearer",
    ],
    [
      "a failure, and the gate that it has closed",
      `await say(core.clientCredentials(talkdesk({ timeoutMs: 600_000, fetch: async () => new Response("", { status: 429, headers: { "retry-after": "86400" } }) })).getToken());`,
      "token_unavailable",
    ],
    [
      "a call that its caller has given up",
      `
      const source = core.clientCredentials(talkdesk({ timeoutMs: 600_000, fetch: never }));
      const waits = source.getToken().catch((error) => console.log(error.code));
      await source.close();
      await waits;`,
      "source_closed",
    ],
  ])("ends at once with %s", async (_, script, outcome) => {
    expect(await run(script)).toEqual({ code: 0, lines: [outcome], stderr: "" });
  });
});
