import { checkMembers } from "../base/known-members.js";
import type { Seed } from "../base/seed.js";
import { type ClientKey, makeClientKey } from "./client-key.js";
import { type KeyAlgorithm, keyAlgorithms } from "./signature-algorithm.js";

/** The grants that a client may be allowed. */
export type GrantType = "client_credentials" | "authorization_code" | "refresh_token";

/** How a client may prove who it is: by its secret in an HTTP Basic header, or by an assertion signed with its key. */
export type AuthenticationMethod = "client_secret_basic" | "private_key_jwt";

/**
 * An OAuth client as registered with the emulator. Frozen: a change makes a new object. It proves itself by its secret
 * or by its key, if not registered for one of them only.
 */
export interface EmulatorClient extends ClientKey {
  /** The account it belongs to. It exists in every region of that account. */
  readonly account: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly authenticationMethods: readonly AuthenticationMethod[];
  /** The scopes it may ask for; all of them are granted when it asks for none. */
  readonly scopes: readonly string[];
  readonly grantTypes: readonly GrantType[];
  /** Compared with the `redirect_uri` parameter character by character. */
  readonly redirectUris: readonly string[];
}

/** What to register; everything has a default. */
export interface ClientRegistration {
  /** Default: the first account. */
  readonly account?: string;
  /** Printable ASCII without a colon. Default: 32 hexadecimal digits from the seed. */
  readonly clientId?: string;
  /** Any text. Default: 86 Base64url characters from the seed. */
  readonly clientSecret?: string;
  /** Default: `openid`, `refresh_token` and those that integrations use most; the default client shows them. */
  readonly scopes?: readonly string[];
  /** Default: all three. */
  readonly grantTypes?: readonly GrantType[];
  /** Absolute http or https URLs without a fragment. Default: `http://localhost:3000/callback`. */
  readonly redirectUris?: readonly string[];
  /** What its key is for. An RSA key, for the PS ones, takes some tenths of a second to make. Default: ES256. */
  readonly keyAlgorithm?: KeyAlgorithm;
  /** Default: both. */
  readonly authenticationMethods?: readonly AuthenticationMethod[];
}

/** The clients that the emulator knows. Iterating it gives each {@link EmulatorClient}. */
export interface Clients extends Iterable<EmulatorClient> {
  /**
   * Gives the default client of an account: every grant, every scope.
   *
   * @throws TypeError when the account does not exist.
   * @throws Error when its default client was removed.
   */
  get(account?: string): EmulatorClient;
  /**
   * Registers a client.
   *
   * @throws TypeError when a member is malformed, the account does not exist, or the client id is taken.
   */
  add(registration?: ClientRegistration): EmulatorClient;
  /**
   * Gives a client a new secret; the old one is refused from now on.
   *
   * @throws TypeError when there is no such client.
   */
  rotateSecret(clientId: string): EmulatorClient;
  /**
   * Gives a client a new key of the same algorithm; the old one is refused from now on.
   *
   * @throws TypeError when there is no such client.
   */
  rotateKey(clientId: string): EmulatorClient;
  /** Removes a client and tells whether there was one. Its tokens stay valid until they expire or are revoked. */
  remove(clientId: string): boolean;
  [Symbol.iterator](): IterableIterator<EmulatorClient>;
}

/** The registry as the hosts see it. */
export interface ClientRegistry extends Clients {
  find(clientId: string, account: string): EmulatorClient | undefined;
}

/** The scopes of a client that was registered without naming any. */
const knownScopes: readonly string[] = Object.freeze([
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
  "recordings:read",
  "user-session-public:end",
  "users:read",
]);

/** Every grant of {@link GrantType}. */
export const grantTypes: readonly GrantType[] = Object.freeze([
  "client_credentials",
  "authorization_code",
  "refresh_token",
]);

const registrationMembers = [
  "account",
  "clientId",
  "clientSecret",
  "scopes",
  "grantTypes",
  "redirectUris",
  "keyAlgorithm",
  "authenticationMethods",
];
const authenticationMethods: readonly string[] = ["client_secret_basic", "private_key_jwt"];
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const clientIdText = /^[\x21-\x39\x3b-\x7e]+$/;

/** Makes the registry, with a default client for each account. */
export function clientRegistry(seed: Seed, accounts: readonly string[]): ClientRegistry {
  const clients = new Map<string, EmulatorClient>();
  const defaults = new Map<string, string>();
  const [firstAccount = ""] = accounts;
  let added = 0;
  let rotated = 0;

  function register(registration: ClientRegistration, label: string): EmulatorClient {
    const client: EmulatorClient = Object.freeze({
      account: checkAccount(registration.account ?? firstAccount),
      clientId: checkClientId(registration.clientId ?? seed.hex(`${label}/id`, 32)),
      clientSecret: checkSecret(registration.clientSecret ?? seed.secret(`${label}/secret`)),
      scopes: checkList("scopes", registration.scopes ?? knownScopes, (scope) => scopeToken.test(scope)),
      grantTypes: checkList("grantTypes", registration.grantTypes ?? grantTypes, isGrantType) as GrantType[],
      redirectUris: checkList(
        "redirectUris",
        registration.redirectUris ?? ["http://localhost:3000/callback"],
        isRedirectUri,
      ),
      authenticationMethods: checkList(
        "authenticationMethods",
        registration.authenticationMethods ?? authenticationMethods,
        (method) => authenticationMethods.includes(method),
      ) as AuthenticationMethod[],
      ...makeClientKey(seed, `${label}/key`, checkKeyAlgorithm(registration.keyAlgorithm ?? "ES256")),
    });
    if (clients.has(client.clientId))
      throw new TypeError(`clientId ${client.clientId} is already registered`);
    clients.set(client.clientId, client);
    return client;
  }

  function checkAccount(account: unknown): string {
    if (!accounts.includes(account as string)) {
      throw new TypeError(`account must be one of ${accounts.join(", ")}, got ${JSON.stringify(account)}`);
    }
    return account as string;
  }

  function replace(
    clientId: string,
    change: (client: EmulatorClient) => Partial<EmulatorClient>,
  ): EmulatorClient {
    const client = clients.get(clientId);
    if (client === undefined) throw new TypeError(`there is no client ${JSON.stringify(clientId)}`);
    const next = Object.freeze({ ...client, ...change(client) });
    clients.set(clientId, next);
    return next;
  }

  for (const account of accounts) {
    defaults.set(account, register({ account }, `client/${account}`).clientId);
  }

  return Object.freeze({
    get(account = firstAccount) {
      const client = clients.get(defaults.get(checkAccount(account)) ?? "");
      if (client === undefined) throw new Error(`the default client of account ${account} was removed`);
      return client;
    },
    add(registration = {}) {
      checkMembers("a client registration", registration, registrationMembers);
      const client = register(registration, `client/added/${added}`);
      added += 1;
      return client;
    },
    rotateSecret(clientId) {
      return replace(clientId, () => ({ clientSecret: seed.secret(`rotated/${clientId}/${rotated++}`) }));
    },
    rotateKey(clientId) {
      return replace(clientId, ({ keyAlgorithm }) =>
        makeClientKey(seed, `rotated/${clientId}/${rotated++}/key`, keyAlgorithm),
      );
    },
    remove: (clientId) => clients.delete(clientId),
    find(clientId, account) {
      const client = clients.get(clientId);
      return client?.account === account ? client : undefined;
    },
    [Symbol.iterator]: () => [...clients.values()][Symbol.iterator](),
  } satisfies ClientRegistry);
}

function checkClientId(clientId: unknown): string {
  if (typeof clientId !== "string" || !clientIdText.test(clientId)) {
    throw new TypeError("clientId must be printable ASCII without spaces and without a colon");
  }
  return clientId;
}

function checkSecret(secret: unknown): string {
  if (typeof secret !== "string" || secret === "") throw new TypeError("clientSecret must not be empty");
  return secret;
}

function checkList(name: string, list: unknown, isValid: (item: string) => boolean): readonly string[] {
  if (!Array.isArray(list)) throw new TypeError(`${name} must be an array of strings`);
  for (const item of list) {
    if (typeof item !== "string" || !isValid(item)) {
      throw new TypeError(`${name} must not hold ${JSON.stringify(item)}`);
    }
  }
  return Object.freeze([...new Set<string>(list)]);
}

function checkKeyAlgorithm(algorithm: unknown): KeyAlgorithm {
  if (!keyAlgorithms.includes(algorithm as KeyAlgorithm)) {
    throw new TypeError(`keyAlgorithm must be one of ${keyAlgorithms.join(", ")}`);
  }
  return algorithm as KeyAlgorithm;
}

function isGrantType(value: string): value is GrantType {
  return grantTypes.includes(value as GrantType);
}

function isRedirectUri(value: string): boolean {
  try {
    return /^https?:$/.test(new URL(value).protocol) && !value.includes("#");
  } catch {
    return false;
  }
}
