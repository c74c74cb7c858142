// What a program on a Web runtime writes, as types: no program runs it.
import {
  type AccessToken,
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  encryptedStore,
  endUserSession,
  finishAuthorization,
  isTalkdeskError,
  memoryStore,
  privateKeyJwt,
  requestToken,
  sourcePool,
  startAuthorization,
  type TokenSource,
  talkdeskClient,
  userSession,
} from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { type SignedInUser, storedSession, talkdeskLogin } from "@talkdesk-oauth/login";

interface Host {
  readonly secret: string;
}

const clientId = "an-app";
const authentication = clientSecretBasic({ clientId, clientSecret: async () => "a secret" });
const client = talkdeskClient({ account: "acme", authentication, fetch: (url, init) => fetch(url, init) });
const store = encryptedStore(memoryStore(), "a secret of 32 characters or more");

export async function callApi(signal: AbortSignal): Promise<Response> {
  const source: ClosableTokenSource = clientCredentials(client, { onEvent: ({ type }) => void type });
  const token: AccessToken = await source.getToken({ signal });
  const send: typeof fetch = talkdeskFetch(source, { fetch });
  const body = new URLSearchParams({ type: token.type });
  const response: Response = await send("/users", { method: "POST", body, signal });
  await source[Symbol.asyncDispose]();
  return response.ok ? response : talkdeskFetch(source)(new Request(response.url));
}

export async function logIn(callback: URL): Promise<TokenSource> {
  const pending = await startAuthorization(client, { redirectUri: "https://app.example/callback" });
  const { token, claims } = await finishAuthorization(client, callback, pending);
  const session = userSession(client, { store, key: claims?.sub ?? "" });
  await session.start(token);
  await endUserSession(session, { userId: "a-user" });
  return sourcePool(() => session).get("a-user");
}

const login = talkdeskLogin<Host>({
  client: ({ secret }) =>
    talkdeskClient({
      account: "acme",
      authentication: clientSecretBasic({ clientId, clientSecret: secret }),
    }),
  redirectUri: "https://app.example/auth/callback",
  store,
  contact: "help@example.com",
});
const openSession = storedSession({ store });

export async function answer(request: Request, host: Host): Promise<Response> {
  const { session, commit } = openSession(request);
  const answered: Response | undefined = await login.handle({ request, mount: "/auth", session, host });
  const user: SignedInUser | undefined = await login.user(session);
  return commit(answered ?? Response.json(user ?? null));
}

export async function signWithKey(privateKey: CryptoKey): Promise<AccessToken | string> {
  const signing = talkdeskClient({
    account: "acme",
    authentication: privateKeyJwt({ clientId, keyId: "a-key", privateKey }),
  });
  try {
    return await requestToken(signing, { grant_type: "client_credentials" });
  } catch (error) {
    return isTalkdeskError(error) ? error.code : "";
  }
}
