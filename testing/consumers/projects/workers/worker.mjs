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

/** What the requests of an isolate share: a store, and how many requests of each kind have come. */
const store = memoryStore();
const arrivals = { service: 0, user: 0 };

/** Logs a user in. */
async function logIn(client, scope) {
  const redirectUri = "http://localhost:3000/callback";
  const pending = await startAuthorization(client, { redirectUri, scope });
  const { headers } = await fetch(pending.url, { redirect: "manual" });
  const { token, claims } = await finishAuthorization(client, new URL(headers.get("location")), pending);
  return { token, isOurs: claims.nonce === pending.nonce };
}

/** Stores a user's session whose access token has ended, so that the next request refreshes it. */
async function beginSession(client) {
  const { token } = await logIn(client, "openid refresh_token users:read");
  const ended = { issuedAt: Date.now() - 600_000, expiresAt: Date.now() - 1_000 };
  const { value, refreshToken } = token;
  await userSession(client, { store, key: "user" }).start(accessToken({ value, refreshToken, ...ended }));
  return new Response();
}

/** One of two requests at once that need the same new token. Each has a source of its own, over the shared store. */
async function answerOneOfTwo(kind, client) {
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
  const options = { store, key: kind };
  const source = kind === "user" ? userSession(slow, options) : clientCredentials(slow, options);
  const { status } = await talkdeskFetch(source)("/users?per_page=1");
  const { value } = await source.getToken();
  return new Response(value, { status });
}

/** Tries the packages in this runtime, and reports what works. */
async function findings(env) {
  const client = talkdeskClientFromEnv(env);
  const { TALKDESK_CLIENT_ID: clientId, CONSUMER_KEY_ID: keyId } = env;
  return {
    async "a request to the API"() {
      return (await talkdeskFetch(clientCredentials(client))("/users?per_page=1")).status;
    },
    async "a CryptoKey"() {
      const bytes = Uint8Array.from(atob(env.CONSUMER_PRIVATE_KEY), (character) => character.charCodeAt(0));
      const algorithm = { name: "ECDSA", namedCurve: "P-256" };
      const privateKey = await crypto.subtle.importKey("pkcs8", bytes, algorithm, false, ["sign"]);
      const authentication = privateKeyJwt({ clientId, keyId, privateKey });
      return (await clientCredentials({ ...client, authentication }).getToken()).type;
    },
    async "a login and its session"() {
      const { token, isOurs } = await logIn(client, "openid refresh_token");
      const store = encryptedStore(memoryStore(), env.CONSUMER_STORE_SECRET);
      const session = userSession(client, { store, key: "a", token });
      const renewed = await session.getToken({ rejected: await session.getToken() });
      return isOurs && renewed.value !== token.value;
    },
    async "a login of a web app"() {
      const store = memoryStore();
      const redirectUri = "http://localhost:3000/callback";
      const scope = "openid refresh_token";
      const login = talkdeskLogin({ client, redirectUri, scope, store, contact: "help@example.com" });
      const sessions = storedSession({ store });
      let cookie = "";
      const visit = async (url, method = "GET") => {
        const request = new Request(url, { method, headers: { cookie } });
        const { session, commit } = sessions(request);
        const answer = commit(await login.handle({ request, mount: "", session, host: undefined }));
        cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? cookie;
        return answer;
      };
      const isSignedIn = async () => {
        const { session } = sessions(new Request("http://localhost:3000/", { headers: { cookie } }));
        return (await login.source(session, undefined)) !== undefined;
      };
      const begun = await visit("http://localhost:3000/login");
      const { headers } = await fetch(begun.headers.get("location"), { redirect: "manual" });
      const done = await visit(headers.get("location"));
      const wasSignedIn = await isSignedIn();
      const left = await visit("http://localhost:3000/logout", "POST");
      return [begun.status, done.status, wasSignedIn, left.status, await isSignedIn()].join(" ");
    },
    async "a caller's signal"() {
      const controller = new AbortController();
      const wait = clientCredentials({ ...client, fetch: NEVER }).getToken({ signal: controller.signal });
      const late = new Promise((resolve) => setTimeout(resolve, 5_000, "is ignored"));
      setTimeout(() => controller.abort("ends the wait"), 10);
      return Promise.race([wait, late]).catch((reason) => reason);
    },
    async "a FormData, sent again"() {
      const bodies = [];
      const send = async (_url, init) => {
        bodies.push(await new Response(init.body).text());
        return new Response(null, { status: bodies.length === 1 ? 401 : 200 });
      };
      const expiresAt = Date.now() + 600_000;
      const source = {
        api: client.endpoints.api,
        getToken: async ({ rejected } = {}) =>
          accessToken({ value: rejected ? "second" : "first", expiresAt }),
      };
      const form = new FormData();
      form.append("name", "value");
      const { status } = await talkdeskFetch(source, { fetch: send })("/contacts", {
        method: "POST",
        body: form,
      });
      return status === 200 && bodies[0] === bodies[1];
    },
  };
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/begin") return beginSession(talkdeskClientFromEnv(env));
    if (pathname !== "/") return answerOneOfTwo(pathname.slice(1), talkdeskClientFromEnv(env));
    const found = {};
    for (const [name, find] of Object.entries(await findings(env))) {
      found[name] = await find().catch((error) => `${error} (${error.cause})`);
    }
    return Response.json(found);
  },
};
