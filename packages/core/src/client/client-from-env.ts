import type { SigningAlgorithm } from "../keys/signing-key.js";
import { type TalkdeskClient, type TalkdeskClientOptions, talkdeskClient } from "./client.js";
import { type ClientAuthentication, clientSecretBasic } from "./client-authentication.js";
import type { Endpoints, Region } from "./endpoints.js";
import { privateKeyJwt } from "./private-key-jwt.js";

/** The variables that replace addresses of the account. */
const ENDPOINT_VARIABLES = [
  ["identity", "TALKDESK_IDENTITY_URL"],
  ["token", "TALKDESK_TOKEN_URL"],
  ["authorize", "TALKDESK_AUTHORIZE_URL"],
  ["jwks", "TALKDESK_JWKS_URL"],
  ["api", "TALKDESK_API_URL"],
] as const satisfies readonly (readonly [keyof Endpoints, string])[];

/**
 * Makes a client from environment variables. An empty variable counts as absent.
 *
 * - `TALKDESK_ACCOUNT`, and `TALKDESK_REGION` (`us`, the default, `eu`, `ca` or `au`).
 * - `TALKDESK_CLIENT_ID`, with one of two proofs: `TALKDESK_CLIENT_SECRET`, which is sent as HTTP Basic; or
 *   `TALKDESK_KEY_ID` and `TALKDESK_PRIVATE_KEY` (one line of Base64, or PEM), which sign assertions, with
 *   `TALKDESK_KEY_ALGORITHM` where the key does not determine it.
 * - `TALKDESK_IDENTITY_URL`, `TALKDESK_TOKEN_URL`, `TALKDESK_AUTHORIZE_URL`, `TALKDESK_JWKS_URL` and `TALKDESK_API_URL`
 *   replace addresses of the account. Without an account, `TALKDESK_IDENTITY_URL` and `TALKDESK_API_URL` are enough. A
 *   program without logins needs only `TALKDESK_TOKEN_URL` and `TALKDESK_API_URL`.
 *
 * @param env Default: `process.env`.
 * @param options Options of {@link talkdeskClient}. Each replaces the variables for it; with `authentication`, no
 *   credentials are read.
 * @throws TypeError for variables that are missing or cannot be used. The message names them, and never their values.
 * @example
 * const client = talkdeskClientFromEnv(process.env, { timeoutMs: 5_000 });
 */
export function talkdeskClientFromEnv(
  env: Readonly<Record<string, string | undefined>> = readEnvironment(),
  options: Partial<TalkdeskClientOptions> = {},
): TalkdeskClient {
  const read = (name: string): string | undefined => env[name] || undefined;
  const { account = read("TALKDESK_ACCOUNT"), authentication, ...others } = options;
  const region = (options.region ?? read("TALKDESK_REGION")) as Region | undefined;
  const variables = ENDPOINT_VARIABLES.filter(([, variable]) => read(variable) !== undefined);
  const endpoints = {
    ...Object.fromEntries(variables.map(([name, variable]) => [name, read(variable)])),
    ...options.endpoints,
  };

  const isAddressed = (endpoints.identity ?? endpoints.token) !== undefined && endpoints.api !== undefined;
  const credentials = authentication === undefined ? readCredentials(read) : undefined;
  const missing = [
    ...(account === undefined && !isAddressed ? ["TALKDESK_ACCOUNT"] : []),
    ...(credentials?.missing ?? []),
  ];
  if (missing.length > 0) throw new TypeError(`Set ${missing.join(" and ")} in the environment.`);
  try {
    return talkdeskClient({
      ...others,
      account,
      region: account === undefined ? undefined : region,
      endpoints,
      authentication: authentication ?? (credentials as Credentials).authentication(),
    });
  } catch (error) {
    throw new TypeError(`In the environment (TALKDESK_…): ${(error as Error).message}`, { cause: error });
  }
}

/** The variables that only a client with a signing key has. */
const KEY_VARIABLES = ["TALKDESK_PRIVATE_KEY", "TALKDESK_KEY_ID", "TALKDESK_KEY_ALGORITHM"];

interface Credentials {
  readonly missing: readonly string[];
  readonly authentication: () => ClientAuthentication;
}

/** Reads the one proof that the variables are for. */
function readCredentials(read: (name: string) => string | undefined): Credentials {
  const clientId = read("TALKDESK_CLIENT_ID") ?? "";
  const clientSecret = read("TALKDESK_CLIENT_SECRET") ?? "";
  const keys = KEY_VARIABLES.filter((name) => read(name) !== undefined);
  if (clientSecret !== "" && keys.length > 0) {
    throw new TypeError(
      `The environment has both a secret and a key: remove ${keys.join(" and ")} to send the secret, or TALKDESK_CLIENT_SECRET to sign with the key, as apps listed on AppConnect must.`,
    );
  }
  const absent = (names: readonly string[]): string[] => names.filter((name) => read(name) === undefined);
  if (keys.length === 0) {
    const withoutSecret =
      clientSecret === "" ? ["TALKDESK_CLIENT_SECRET (or TALKDESK_KEY_ID and TALKDESK_PRIVATE_KEY)"] : [];
    return {
      missing: [...absent(["TALKDESK_CLIENT_ID"]), ...withoutSecret],
      authentication: () => clientSecretBasic({ clientId, clientSecret }),
    };
  }
  const algorithm = read("TALKDESK_KEY_ALGORITHM")?.toUpperCase() as SigningAlgorithm | undefined;
  return {
    missing: absent(["TALKDESK_CLIENT_ID", "TALKDESK_KEY_ID", "TALKDESK_PRIVATE_KEY"]),
    authentication: () =>
      privateKeyJwt({
        clientId,
        keyId: read("TALKDESK_KEY_ID") ?? "",
        privateKey: read("TALKDESK_PRIVATE_KEY") ?? "",
        algorithm,
      }),
  };
}

function readEnvironment(): Readonly<Record<string, string | undefined>> {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env ?? {};
}
