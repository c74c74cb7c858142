// What is tried in every runtime, with Web APIs alone. Each job gets the environment's variables and resolves to what it found.
import {
  accessToken,
  clientCredentials,
  encryptedStore,
  finishAuthorization,
  memoryStore,
  privateKeyJwt,
  startAuthorization,
  talkdeskClientFromEnv,
  userSession,
} from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { storedSession, talkdeskLogin } from "@talkdesk-oauth/login";

const NEVER = () => new Promise(() => {});

/** What the requests of a process share: a store, and how many requests of each kind have come. */
const shared = memoryStore();
const arrivals = { service: 0, user: 0 };

/** Logs a user in, and checks the ID token. */
async function logIn(client, scope) {
  const redirectUri = "http://localhost:3000/callback";
  const pending = await startAuthorization(client, { redirectUri, scope });
  const { headers } = await fetch(pending.url, { redirect: "manual" });
  const { token, claims } = await finishAuthorization(client, new URL(headers.get("location")), pending);
  return { token, isOurs: claims.nonce === pending.nonce };
}

/** Sends the first call with a token that the API refuses, and keeps what was sent. */
function refuseFirst(sent) {
  return async (url, init) => {
    const request = new Request(url, init);
    sent.push(await request.clone().text());
    if (sent.length === 1) request.headers.set("authorization", "Bearer of-nobody");
    return fetch(request);
  };
}

/** Makes a request show another url from its second reading on. */
function changing(request) {
  const urls = [request.url];
  return Object.defineProperty(request, "url", { get: () => urls.pop() ?? "http://127.0.0.1:9/" });
}

export const jobs = {
  async "client credentials"(env) {
    const { status } = await talkdeskFetch(clientCredentials(talkdeskClientFromEnv(env)))(
      "/users?per_page=1",
    );
    return status;
  },

  /** With the key as Talkdesk shows it, and with a key that cannot be exported. */
  async "signed JWT"(env) {
    const { TALKDESK_CLIENT_ID: clientId, CONSUMER_KEY_ID: keyId, CONSUMER_PRIVATE_KEY: text } = env;
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const key = await crypto.subtle.importKey("pkcs8", bytes, algorithm, false, ["sign"]);
    const types = [];
    for (const privateKey of [text, key]) {
      const authentication = privateKeyJwt({ clientId, keyId, privateKey });
      const source = clientCredentials({ ...talkdeskClientFromEnv(env), authentication });
      types.push((await source.getToken()).type);
    }
    return types;
  },

  /** A login with an ID token, and a refresh over an encrypted store. */
  async "user session"(env) {
    const client = talkdeskClientFromEnv(env);
    const { token, isOurs } = await logIn(client, "openid refresh_token users:read");
    const store = encryptedStore(memoryStore(), env.CONSUMER_STORE_SECRET);
    const session = userSession(client, { store, key: "a", token });
    const renewed = await session.getToken({ rejected: await session.getToken() });
    const { status } = await talkdeskFetch(userSession(client, { store, key: "a" }))("/users/me");
    return [isOurs, renewed.value !== token.value, status];
  },

  /** A JSON text, a form and a `Request` whose url changes after the first reading, each sent again after a 401. */
  async "401 replayed"(env) {
    const form = new FormData();
    form.append("name", "value");
    form.append("file", new Blob(["a,b"], { type: "text/csv" }));
    const calls = [
      () => ["/echo", { method: "POST", body: '{"name":"value"}' }],
      () => ["/echo", { method: "POST", body: form }],
      (api) => [changing(new Request(`${api}/echo`, { method: "POST", body: "a text" }))],
    ];
    const found = [];
    for (const call of calls) {
      const source = clientCredentials(talkdeskClientFromEnv(env));
      const sent = [];
      const api = talkdeskFetch(source, { fetch: refuseFirst(sent) });
      const { status } = await api(...call(source.api));
      found.push([status, sent.length, sent[0] === sent[1]]);
    }
    return found;
  },

  /** A login and a logout of a web app, with sessions of its own. */
  async "web login"(env) {
    const client = talkdeskClientFromEnv(env);
    const store = memoryStore();
    const redirectUri = "http://localhost:3000/callback";
    const scope = "openid refresh_token";
    const login = talkdeskLogin({ client, redirectUri, scope, store, contact: "help@example.com" });
    const sessions = storedSession({ store });
    let cookie = "";
    async function visit(url, method = "GET") {
      const request = new Request(url, { method, headers: { cookie } });
      const { session, commit } = sessions(request);
      const answer = commit(await login.handle({ request, mount: "", session, host: undefined }));
      cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? cookie;
      return answer;
    }
    async function isSignedIn() {
      const { session } = sessions(new Request("http://localhost:3000/", { headers: { cookie } }));
      return (await login.source(session, undefined)) !== undefined;
    }
    const begun = await visit("http://localhost:3000/login");
    const { headers } = await fetch(begun.headers.get("location"), { redirect: "manual" });
    const done = await visit(headers.get("location"));
    const wasSignedIn = await isSignedIn();
    const left = await visit("http://localhost:3000/logout", "POST");
    return [begun.status, done.status, wasSignedIn, left.status, await isSignedIn()];
  },

  async abort(env) {
    const client = talkdeskClientFromEnv(env);
    const controller = new AbortController();
    const source = clientCredentials({ ...client, fetch: NEVER });
    const wait = source.getToken({ signal: controller.signal });
    setTimeout(() => controller.abort("ended by the caller"), 10);
    const found = await wait.catch((reason) => reason);
    await source.close();
    return found;
  },
};

/** Stores a user's session whose access token has ended, so that the next request refreshes it. */
export async function beginSession(env) {
  const client = talkdeskClientFromEnv(env);
  const { token } = await logIn(client, "openid refresh_token users:read");
  const ended = { issuedAt: Date.now() - 600_000, expiresAt: Date.now() - 1_000 };
  const { value, refreshToken } = token;
  await userSession(client, { store: shared, key: "user" }).start(
    accessToken({ value, refreshToken, ...ended }),
  );
}

/**
 * One of two requests at once that need the same new token. Each has a source of its own, over the shared store.
 * @param {"service" | "user"} kind
 */
export async function answerOneOfTwo(env, kind) {
  const client = talkdeskClientFromEnv(env);
  arrivals[kind] += 1;
  const slow = {
    ...client,
    async fetch(...call) {
      const answer = await fetch(...call);
      while (arrivals[kind] < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      // The other one waits for this answer by now.
      await new Promise((resolve) => setTimeout(resolve, 100));
      return answer;
    },
  };
  const options = { store: shared, key: kind };
  const source = kind === "user" ? userSession(slow, options) : clientCredentials(slow, options);
  const { status } = await talkdeskFetch(source)("/users?per_page=1");
  const { value } = await source.getToken();
  return { status, value };
}

/** Runs each job; an error becomes what was found. */
export async function runJobs(env) {
  const found = {};
  for (const [name, job] of Object.entries(jobs)) {
    found[name] = await job(env).catch((error) => `${error} (${error?.cause ?? "no cause"})`);
  }
  return found;
}

/** What two answers of `answerOneOfTwo` have in common. */
export const compare = ([one, other]) => [one.status, other.status, one.value === other.value];
