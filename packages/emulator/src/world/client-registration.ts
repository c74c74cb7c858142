import { checkMembers } from "../base/check-members.js";
import { isScopeToken } from "../base/scope-token.js";
import { KEY_ALGORITHMS, type KeyAlgorithm } from "./signature-algorithm.js";

/** The grants that a client may be allowed to use. */
export type GrantType = "client_credentials" | "authorization_code" | "refresh_token";

/**
 * How a client may authenticate: with its secret in an HTTP Basic header, or with an assertion signed by its key. `none` is
 * for a public client, which sends its id alone; its logins need PKCE, and client credentials are refused.
 */
export type AuthenticationMethod = "client_secret_basic" | "private_key_jwt" | "none";

/** A client to register. Every member has a default. */
export interface ClientRegistration {
  /** Default: the first account. */
  readonly account?: string;
  /** Printable ASCII without spaces and colons. Default: 32 hexadecimal digits from the seed. */
  readonly clientId?: string;
  /** Any text. Default: 86 Base64url characters from the seed. */
  readonly clientSecret?: string;
  /**
   * Default: `openid`, `refresh_token`, the scopes of the built-in operations and of your own, and others that
   * integrations use most.
   */
  readonly scopes?: readonly string[];
  /** Default: all three. */
  readonly grantTypes?: readonly GrantType[];
  /** Absolute http or https URLs without a fragment. Default: the option `redirectUris` of `startEmulator`. */
  readonly redirectUris?: readonly string[];
  /**
   * The algorithm that its key is made for. Default: `ES256`. The PS algorithms need an RSA key, which takes some tenths
   * of a second to make.
   */
  readonly keyAlgorithm?: KeyAlgorithm;
  /** Default: `client_secret_basic` and `private_key_jwt`. */
  readonly authenticationMethods?: readonly AuthenticationMethod[];
}

/** A registration that has been checked and has its defaults; id and secret are left to the seed when absent. */
export interface CheckedRegistration {
  readonly account: string;
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
  readonly scopes: readonly string[];
  readonly grantTypes: readonly GrantType[];
  readonly redirectUris: readonly string[];
  readonly keyAlgorithm: KeyAlgorithm;
  readonly authenticationMethods: readonly AuthenticationMethod[];
}

/** The scopes of a client that is registered without any, beside those of the operations that the user adds. */
export const DEFAULT_SCOPES: readonly string[] = [
  "openid",
  "refresh_token",
  "account:read",
  "apps:write",
  "callback:write",
  "contacts:read",
  "contacts:write",
  "data-reports:read",
  "data-reports:write",
  "events:read",
  "flows-interactions:start",
  "phone-details:read",
  "recordings:read",
  "scim",
  "user-session-public:end",
  "users:read",
];

export const DEFAULT_REDIRECT_URI = "http://localhost:3000/callback";

/** Every grant of {@link GrantType}. */
export const GRANT_TYPES: readonly GrantType[] = Object.freeze([
  "client_credentials",
  "authorization_code",
  "refresh_token",
]);

const DEFAULT_METHODS: readonly AuthenticationMethod[] = ["client_secret_basic", "private_key_jwt"];
const AUTHENTICATION_METHODS: readonly AuthenticationMethod[] = [...DEFAULT_METHODS, "none"];

const REGISTRATION_MEMBERS = [
  "account",
  "clientId",
  "clientSecret",
  "scopes",
  "grantTypes",
  "redirectUris",
  "keyAlgorithm",
  "authenticationMethods",
];

/** Visible ASCII but for the colon, which ends the client id in an HTTP Basic header. */
const CLIENT_ID = /^[\x21-\x39\x3b-\x7e]+$/;

/**
 * Checks a registration and fills in the defaults.
 *
 * @param accounts The accounts that exist. The first one is the default.
 * @param defaults What a client is registered with that names no scopes or no redirect URIs.
 * @throws TypeError that names the member that is wrong.
 */
export function checkRegistration(
  registration: ClientRegistration,
  accounts: readonly string[],
  defaults: Pick<CheckedRegistration, "scopes" | "redirectUris">,
): CheckedRegistration {
  checkMembers("a client registration", registration, REGISTRATION_MEMBERS);
  const {
    account = accounts[0],
    clientId,
    clientSecret,
    scopes = defaults.scopes,
    grantTypes = GRANT_TYPES,
    redirectUris = defaults.redirectUris,
    keyAlgorithm = "ES256",
    authenticationMethods = DEFAULT_METHODS,
  } = registration;
  checkAccount(account, accounts);
  if (clientId !== undefined && (typeof clientId !== "string" || !CLIENT_ID.test(clientId))) {
    throw new TypeError("clientId must be printable ASCII without spaces and colons.");
  }
  if (clientSecret !== undefined && (typeof clientSecret !== "string" || clientSecret === "")) {
    throw new TypeError("clientSecret must be a string that is not empty.");
  }
  if (!KEY_ALGORITHMS.includes(keyAlgorithm)) {
    throw new TypeError(`keyAlgorithm must be one of ${KEY_ALGORITHMS.join(", ")}.`);
  }
  return {
    account,
    clientId,
    clientSecret,
    scopes: checkList("scopes", scopes, isScopeToken),
    grantTypes: checkList("grantTypes", grantTypes, (name) => GRANT_TYPES.includes(name)),
    redirectUris: checkRedirectUris(redirectUris),
    keyAlgorithm,
    authenticationMethods: checkList("authenticationMethods", authenticationMethods, (name) =>
      AUTHENTICATION_METHODS.includes(name),
    ),
  };
}

/**
 * Checks a list of redirect URIs.
 *
 * @returns A copy of the list, without repetitions.
 * @throws TypeError that names the URI that is wrong.
 */
export function checkRedirectUris(redirectUris: readonly string[]): readonly string[] {
  return checkList("redirectUris", redirectUris, isRedirectUri);
}

/**
 * Checks that an account exists.
 *
 * @throws TypeError that names the accounts that exist.
 */
export function checkAccount(account: unknown, accounts: readonly string[]): asserts account is string {
  if (!accounts.includes(account as string)) {
    throw new TypeError(`account must be one of ${accounts.join(", ")}.`);
  }
}

function checkList<Item extends string>(
  name: string,
  list: readonly Item[],
  isValid: (item: Item) => boolean,
): readonly Item[] {
  if (!Array.isArray(list)) throw new TypeError(`${name} must be an array of strings.`);
  const wrong = list.findIndex((item: unknown) => typeof item !== "string" || !isValid(item as Item));
  if (wrong !== -1) throw new TypeError(`${name} must not hold ${JSON.stringify(list[wrong])}.`);
  return Object.freeze([...new Set<Item>(list)]);
}

function isRedirectUri(value: string): boolean {
  try {
    return /^https?:$/.test(new URL(value).protocol) && !value.includes("#");
  } catch {
    return false;
  }
}
