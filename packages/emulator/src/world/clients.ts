import type { Seed } from "../base/seed.js";
import { type ClientKey, makeClientKey } from "./client-key.js";
import {
  type AuthenticationMethod,
  type ClientRegistration,
  checkAccount,
  checkRegistration,
  type GrantType,
} from "./client-registration.js";

/**
 * An OAuth client that is registered with the emulator. Frozen: a change makes a new object. It authenticates with its
 * secret or with its key, unless its `authenticationMethods` name only one of the two.
 */
export interface EmulatorClient extends ClientKey {
  /** The account that it belongs to. It exists in every region of that account. */
  readonly account: string;
  /** Identifies the client in requests. */
  readonly clientId: string;
  /** The secret for HTTP Basic. */
  readonly clientSecret: string;
  /** The ways in which it may prove its identity. */
  readonly authenticationMethods: readonly AuthenticationMethod[];
  /** The scopes that it may ask for. A request without a scope is granted all of them. */
  readonly scopes: readonly string[];
  /** The grants that it may use. */
  readonly grantTypes: readonly GrantType[];
  /** The parameter `redirect_uri` must equal one of these, character by character. */
  readonly redirectUris: readonly string[];
}

/** The clients that are registered. Iterating over it gives each {@link EmulatorClient}. */
export interface Clients extends Iterable<EmulatorClient> {
  /**
   * Gives the default client of an account, which has every grant and every scope.
   *
   * @param account Default: the first account.
   * @throws
   * - TypeError when the account does not exist.
   * - Error when its default client was removed.
   * @example
   * const { clientId, clientSecret } = talkdesk.clients.get("acme");
   */
  get(account?: string): EmulatorClient;
  /**
   * Registers a client.
   *
   * @throws TypeError when a member is wrong, the account does not exist, or the client id is taken.
   * @example
   * const client = talkdesk.clients.add({ scopes: ["users:read"], grantTypes: ["client_credentials"] });
   */
  add(registration?: ClientRegistration): EmulatorClient;
  /**
   * Gives a client a new secret. The old secret is refused from now on.
   *
   * @throws TypeError when the client does not exist.
   */
  rotateSecret(clientId: string): EmulatorClient;
  /**
   * Gives a client a new key for the same algorithm. The old key is refused from now on.
   *
   * @throws TypeError when the client does not exist.
   */
  rotateKey(clientId: string): EmulatorClient;
  /** Removes a client and tells whether it existed. Its tokens stay valid until they expire or are revoked. */
  remove(clientId: string): boolean;
  /** All clients, in the order of their registration. */
  [Symbol.iterator](): IterableIterator<EmulatorClient>;
}

/** The clients as the hosts see them. */
export interface ClientRegistry extends Clients {
  find(clientId: string, account: string): EmulatorClient | undefined;
}

/**
 * Makes a registry that has a default client for each account.
 *
 * @param defaults What a client is registered with that names no scopes or no redirect URIs.
 */
export function makeClientRegistry(
  seed: Seed,
  accounts: readonly string[],
  defaults: { readonly scopes: readonly string[]; readonly redirectUris: readonly string[] },
): ClientRegistry {
  const clients = new Map<string, EmulatorClient>();
  const defaultIds = new Map<string, string>();
  const [firstAccount = ""] = accounts;
  let added = 0;
  let rotated = 0;

  function register(registration: ClientRegistration, label: string): EmulatorClient {
    const { clientId, clientSecret, keyAlgorithm, ...rest } = checkRegistration(
      registration,
      accounts,
      defaults,
    );
    const client: EmulatorClient = Object.freeze({
      ...rest,
      clientId: clientId ?? seed.hex(`${label}/id`, 32),
      clientSecret: clientSecret ?? seed.secret(`${label}/secret`),
      ...makeClientKey(seed, `${label}/key`, keyAlgorithm),
    });
    if (clients.has(client.clientId)) {
      throw new TypeError(`clientId must be new, and ${client.clientId} is already registered.`);
    }
    clients.set(client.clientId, client);
    return client;
  }

  function change(
    clientId: string,
    changeMembers: (client: EmulatorClient) => Partial<EmulatorClient>,
  ): EmulatorClient {
    const client = clients.get(clientId);
    if (client === undefined) {
      throw new TypeError(`clientId must name a registered client; ${JSON.stringify(clientId)} does not.`);
    }
    const next = Object.freeze({ ...client, ...changeMembers(client) });
    clients.set(clientId, next);
    return next;
  }

  for (const account of accounts) {
    defaultIds.set(account, register({ account }, `client/${account}`).clientId);
  }

  return Object.freeze({
    get(account = firstAccount) {
      checkAccount(account, accounts);
      const client = clients.get(defaultIds.get(account) ?? "");
      if (client === undefined) throw new Error(`The default client of account ${account} was removed.`);
      return client;
    },
    add(registration = {}) {
      const client = register(registration, `client/added/${added}`);
      added += 1;
      return client;
    },
    rotateSecret(clientId) {
      return change(clientId, () => ({ clientSecret: seed.secret(`rotated/${clientId}/${rotated++}`) }));
    },
    rotateKey(clientId) {
      return change(clientId, ({ keyAlgorithm }) =>
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
