import { type TalkdeskClient, talkdeskClient } from "./client.js";
import { clientSecretBasic } from "./client-authentication.js";
import type { Endpoints, Region } from "./endpoints.js";

const ENDPOINT_VARIABLES = [
  ["token", "TALKDESK_TOKEN_URL"],
  ["authorize", "TALKDESK_AUTHORIZE_URL"],
  ["jwks", "TALKDESK_JWKS_URL"],
  ["api", "TALKDESK_API_URL"],
] as const satisfies readonly (readonly [keyof Endpoints, string])[];

/**
 * Makes a client of environment variables. An empty variable counts as absent.
 *
 * - `TALKDESK_ACCOUNT`, and `TALKDESK_REGION` (`us`, the default, `eu`, `ca` or `au`).
 * - `TALKDESK_CLIENT_ID` and `TALKDESK_CLIENT_SECRET`, sent as HTTP Basic.
 * - `TALKDESK_TOKEN_URL`, `TALKDESK_AUTHORIZE_URL`, `TALKDESK_JWKS_URL`, `TALKDESK_API_URL` replace the addresses
 *   of the account; all four together stand without one.
 *
 * @param env Default: `process.env`.
 * @throws TypeError at once, naming the variables that are missing or cannot be used, never their values.
 */
export function talkdeskClientFromEnv(
  env: Readonly<Record<string, string | undefined>> = processEnvironment(),
): TalkdeskClient {
  const read = (name: string): string | undefined => env[name] || undefined;
  const clientId = read("TALKDESK_CLIENT_ID");
  const clientSecret = read("TALKDESK_CLIENT_SECRET");
  const account = read("TALKDESK_ACCOUNT");
  const region = read("TALKDESK_REGION")?.toLowerCase();
  const given = ENDPOINT_VARIABLES.filter(([, variable]) => read(variable) !== undefined);
  const endpoints = Object.fromEntries(given.map(([name, variable]) => [name, read(variable)]));

  const missing = [
    ...(account === undefined && given.length < ENDPOINT_VARIABLES.length ? ["TALKDESK_ACCOUNT"] : []),
    ...(clientId === undefined ? ["TALKDESK_CLIENT_ID"] : []),
    ...(clientSecret === undefined ? ["TALKDESK_CLIENT_SECRET"] : []),
  ];
  if (clientId === undefined || clientSecret === undefined || missing.length > 0) {
    throw new TypeError(`Set ${missing.join(" and ")} in the environment.`);
  }
  try {
    return talkdeskClient({
      ...(account !== undefined && { account }),
      ...(account !== undefined && region !== undefined && { region: region as Region }),
      endpoints,
      authentication: clientSecretBasic({ clientId, clientSecret }),
    });
  } catch (error) {
    throw new TypeError(`In the environment (TALKDESK_…): ${(error as Error).message}`);
  }
}

function processEnvironment(): Readonly<Record<string, string | undefined>> {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env ?? {};
}
