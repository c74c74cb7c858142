import { createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import {
  finishAuthorization,
  type PendingAuthorization,
  startAuthorization,
  type TalkdeskClient,
  type TalkdeskClientOptions,
} from "@talkdesk-oauth/core";
import jsonwebtoken from "jsonwebtoken";
import { type Answer, clientOf, json, listening } from "./token-endpoint.js";

export const REDIRECT_URI = "https://app.example/callback";
export const CODE = "code-canary-7f3a";

export const EC = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const OTHER_EC = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** The public half as an entry of a key set, with other members where told. */
export function published(key: KeyObject, members: Record<string, unknown> = {}): JsonWebKey {
  return {
    ...createPublicKey(key.export({ format: "pem", type: "pkcs8" }) as string).export({ format: "jwk" }),
    ...members,
  };
}

/** An identity host with two scripted endpoints. It uses no code of core. */
export interface LoginHost extends AsyncDisposable {
  readonly origin: string;
  readonly client: TalkdeskClient;
  clientWith(options: Partial<TalkdeskClientOptions>): TalkdeskClient;
  /** The members of the token endpoint's answer besides the access token. */
  members: Record<string, unknown>;
  /** Replaces the whole answer of the token endpoint. */
  tokenAnswer: Answer | undefined;
  keys: readonly unknown[];
  /** Replaces the whole answer of the key endpoint. */
  keysAnswer: ((response: ServerResponse) => void) | undefined;
  /** The bodies of token requests. */
  readonly exchanges: string[];
  keyReads: number;
}

export async function loginHost(): Promise<LoginHost> {
  const exchanges: string[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const { method, url, headers } = incoming;
      if (url === "/oauth/2023-10/certs") {
        host.keyReads += 1;
        if (host.keysAnswer !== undefined) return host.keysAnswer(response);
        return void response.writeHead(200).end(JSON.stringify({ keys: host.keys }));
      }
      const body = Buffer.concat(chunks).toString();
      exchanges.push(body);
      const answer =
        host.tokenAnswer ??
        json(200, { access_token: "at-canary-1", token_type: "bearer", expires_in: 599, ...host.members });
      answer(response, { method, url, headers, body });
    });
  });
  const place = await listening(server);
  const clientWith = (options: Partial<TalkdeskClientOptions>): TalkdeskClient => clientOf(place, options);
  const host: LoginHost = {
    ...place,
    client: clientWith({}),
    clientWith,
    members: {},
    tokenAnswer: undefined,
    keys: [published(EC.privateKey, { kid: "ec-1", alg: "ES256", use: "sig" })],
    keysAnswer: undefined,
    exchanges,
    keyReads: 0,
  };
  return host;
}

export interface Signing {
  readonly key?: KeyObject | string;
  readonly algorithm?: jsonwebtoken.Algorithm;
  /** A kid of null is left out. */
  readonly kid?: string | null;
  readonly header?: Record<string, unknown>;
}

/** An ID token for this login with other claims where told; one that is undefined is left out. */
export function idTokenFor(
  host: LoginHost,
  { nonce }: PendingAuthorization,
  claims: Record<string, unknown> = {},
  { key = EC.privateKey, algorithm = "ES256", kid = "ec-1", header = {} }: Signing = {},
): string {
  const now = Math.floor(Date.now() / 1000);
  const all = {
    iss: host.origin,
    sub: "user-1",
    aud: "client-1",
    iat: now,
    exp: now + 600,
    nonce,
    ...claims,
  };
  const present = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return jsonwebtoken.sign(JSON.stringify(present), key as jsonwebtoken.PrivateKey, {
    header: { alg: algorithm, ...(kid !== null && { kid }), ...header },
    algorithm,
  });
}

/** A whole login whose ID token is `idToken`'s. */
export async function login(
  host: LoginHost,
  idToken: (pending: PendingAuthorization) => string,
  client: TalkdeskClient = host.client,
  options: Parameters<typeof finishAuthorization>[3] = {},
): ReturnType<typeof finishAuthorization> {
  const pending = await startAuthorization(client, { redirectUri: REDIRECT_URI, scope: "openid" });
  host.members = { id_token: idToken(pending) };
  return finishAuthorization(client, `?code=${CODE}&state=${pending.state}`, pending, options);
}
