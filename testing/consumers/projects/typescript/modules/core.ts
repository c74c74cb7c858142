import {
  type AccessToken,
  type ClientCredentialsOptions,
  clientCredentials,
  clientSecretBasic,
  encryptedStore,
  finishAuthorization,
  isTalkdeskError,
  memoryStore,
  type PendingAuthorization,
  privateKeyJwt,
  serviceToken,
  sourcePool,
  startAuthorization,
  type TalkdeskClient,
  type TalkdeskErrorCode,
  type TokenEvent,
  type TokenSource,
  talkdeskClient,
  talkdeskClientFromEnv,
  userSession,
} from "@talkdesk-oauth/core";

export const client: TalkdeskClient = talkdeskClientFromEnv(process.env);

export function signingClient(clientId: string, keyId: string, privateKey: string): TalkdeskClient {
  const authentication = privateKeyJwt({ clientId, keyId, privateKey, algorithm: "ES256" });
  return talkdeskClient({ account: "acme", region: "eu", authentication });
}

export const store = encryptedStore(memoryStore({ maxEntries: 100 }), "a secret of 32 characters or more");

const options: ClientCredentialsOptions = { scope: ["contacts:read"], onEvent: note, store, key: "contacts" };
export const source: TokenSource & { close(): Promise<void> } = clientCredentials(client, options);

function note(event: TokenEvent): void {
  if (event.type === "token_failed") console.warn(event.error.code, event.durationMs);
}

export async function describeToken(): Promise<string> {
  try {
    const token: AccessToken = await source.getToken({ minimumLifetimeMs: 60_000 });
    const ofADay = await serviceToken(client, { lifetimeSeconds: 86_400 }).getToken();
    return `${token.type} ${ofADay.type} until ${new Date(token.expiresAt).toISOString()}`;
  } catch (error) {
    if (!isTalkdeskError(error)) throw error;
    const code: TalkdeskErrorCode = error.code;
    return `${code} ${error.retryAt ?? ""} ${error.hints.join()}`;
  }
}

export async function logIn(callback: string, pending: PendingAuthorization): Promise<string | undefined> {
  const { token, claims } = await finishAuthorization(client, callback, pending);
  const session = userSession(client, { store, key: "user", token });
  await session.end();
  return claims?.sub;
}

export const begin = () => startAuthorization(client, { redirectUri: "http://localhost:3000/callback" });

export const accounts = sourcePool(async (account) => {
  const authentication = clientSecretBasic({ clientId: "id", clientSecret: async () => "secret" });
  return clientCredentials(talkdeskClient({ account, authentication }));
});
