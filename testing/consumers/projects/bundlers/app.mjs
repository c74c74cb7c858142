// A call by fetch and by axios with a token that a signed JWT brings, and two logins: without a framework, and with a session.
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import {
  clientCredentials,
  finishAuthorization,
  memoryStore,
  privateKeyJwt,
  startAuthorization,
  talkdeskClientFromEnv,
} from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { storedSession, talkdeskLogin } from "@talkdesk-oauth/login";
import axios from "axios";

const {
  TALKDESK_CLIENT_ID: clientId,
  CONSUMER_KEY_ID: keyId,
  CONSUMER_PRIVATE_KEY: privateKey,
} = process.env;
const redirectUri = "http://localhost:3000/callback";
const scope = "openid refresh_token";
const client = talkdeskClientFromEnv();

/** Sends a request as a browser that follows no redirect. */
const browse = (url) => fetch(url, { redirect: "manual" });

async function callApi() {
  const authentication = privateKeyJwt({ clientId, keyId, privateKey });
  const source = clientCredentials({ ...client, authentication });
  const api = axios.create();
  api.interceptors.request.use(talkdeskAxios(source));
  const answers = [await talkdeskFetch(source)("/users?per_page=1"), await api.get("/users?per_page=1")];
  await source.close();
  return answers.map(({ status }) => status);
}

async function logIn() {
  const pending = await startAuthorization(client, { redirectUri, scope });
  const { headers } = await browse(pending.url);
  const { token, claims } = await finishAuthorization(client, headers.get("location"), pending);
  return [token.type, claims.nonce === pending.nonce];
}

async function logInWithSession() {
  const store = memoryStore();
  const login = talkdeskLogin({ client, redirectUri, scope, store, contact: "help@example.com" });
  const openSession = storedSession({ store });
  let cookie = "";
  async function visit(url) {
    const request = new Request(url, { headers: { cookie } });
    const { session, commit } = openSession(request);
    const answer = commit(await login.handle({ request, mount: "", session, host: undefined }));
    cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    return answer;
  }
  const begun = await visit("http://localhost:3000/login");
  const { headers } = await browse(begun.headers.get("location"));
  const done = await visit(headers.get("location"));
  const { session } = openSession(new Request("http://localhost:3000/", { headers: { cookie } }));
  const source = await login.source(session, undefined);
  return [begun.status, done.status, (await talkdeskFetch(source)("/users/me")).status];
}

async function main() {
  console.log(...(await callApi()), ...(await logIn()), ...(await logInWithSession()));
}

void main();
