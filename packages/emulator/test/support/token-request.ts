import type { Emulator, EmulatorClient, Region } from "./package-under-test.js";
import { send, type WireRequest, type WireResponse } from "./wire.js";

/** Makes the HTTP Basic header of a client, in plain Base64. */
export function makeBasicHeader({
  clientId,
  clientSecret,
}: Pick<EmulatorClient, "clientId" | "clientSecret">): string {
  return `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
}

/** The differences from a correct token request of the default client. */
export interface TokenRequestOptions extends WireRequest {
  readonly account?: string;
  readonly region?: Region;
  readonly client?: EmulatorClient;
}

/** Posts a form to the token endpoint. */
export function requestToken(
  emulator: Emulator,
  form: Readonly<Record<string, string>> = { grant_type: "client_credentials" },
  { account, region, client = emulator.clients.get(account), headers, ...rest }: TokenRequestOptions = {},
): Promise<WireResponse> {
  return send(emulator.endpoints(account, region).token, {
    method: "POST",
    headers: {
      authorization: makeBasicHeader(client),
      "content-type": "application/x-www-form-urlencoded",
      ...headers,
    },
    body: new URLSearchParams(form).toString(),
    ...rest,
  });
}

/** Gets a token for client credentials, and gives the `Authorization` header for a gateway. */
export async function requestBearer(
  emulator: Emulator,
  options: TokenRequestOptions & { readonly scope?: string } = {},
): Promise<{ readonly authorization: string }> {
  const { scope, ...rest } = options;
  const form = { grant_type: "client_credentials", ...(scope !== undefined && { scope }) };
  const { json } = await requestToken(emulator, form, rest);
  return { authorization: `Bearer ${json.access_token}` };
}

/** Goes through a login, and gives the answer to the exchange of its code. */
export async function logIn(emulator: Emulator, scope?: string): Promise<WireResponse> {
  const { code } = await emulator.authorize(scope === undefined ? {} : { scope });
  return exchange(emulator, code);
}

/** Exchanges a code, with the default client unless another is given. */
export function exchange(
  emulator: Emulator,
  code: string,
  changes: Readonly<Record<string, string>> = {},
  options: TokenRequestOptions = {},
): Promise<WireResponse> {
  const [redirectUri = ""] = emulator.clients.get(options.account).redirectUris;
  return requestToken(
    emulator,
    { grant_type: "authorization_code", code, redirect_uri: redirectUri, ...changes },
    options,
  );
}

/** Uses a refresh token with the default client. */
export function refresh(
  emulator: Emulator,
  refreshToken: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<WireResponse> {
  return requestToken(emulator, { grant_type: "refresh_token", refresh_token: refreshToken, ...changes });
}

/** Reads the claims of a JWT without verifying it. */
// biome-ignore lint/suspicious/noExplicitAny: each test expects other claims.
export function readClaims(jwt: string): any {
  return JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString("utf8"));
}
