import type { Region } from "./base/region.js";
import type { Faults } from "./faults/faults.js";
import type { BrowserLoginResult } from "./identity/browser-login.js";
import type { Requests } from "./wire/request-log.js";
import type { TrustedCertificate } from "./wire/trusted-certificate.js";
import type { Clients } from "./world/clients.js";
import type { TokenFilter } from "./world/issued-tokens.js";
import type { Keys } from "./world/signing-keys.js";

/** The URLs of one account in one region. */
export interface EmulatorEndpoints {
  /** The beginning of the other URLs of the identity host: its origin, and a path that names region and account. */
  readonly identity: string;
  /** The URL for token requests. */
  readonly token: string;
  /** The URL where logins begin. */
  readonly authorize: string;
  /** The URL of the keys of ID tokens. */
  readonly jwks: string;
  /** The origin of the gateway, without a trailing slash. */
  readonly api: string;
}

/** The environment variables that lead a program to the emulator. */
export type EnvironmentVariable =
  | "TALKDESK_TOKEN_URL"
  | "TALKDESK_AUTHORIZE_URL"
  | "TALKDESK_JWKS_URL"
  | "TALKDESK_API_URL"
  | "TALKDESK_CLIENT_ID"
  | "TALKDESK_CLIENT_SECRET";

/** The environment of a program that is led to the emulator. */
export type EmulatorEnvironment = Record<EnvironmentVariable, string> & {
  /** Makes Node trust the certificate of an emulator with TLS; absent without. */
  NODE_EXTRA_CA_CERTS?: string;
};

/** A login to go through. Every member has a default. */
export interface AuthorizeOptions {
  /** Default: the first account. */
  readonly account?: string;
  /** Default: `us`. */
  readonly region?: Region;
  /** Default: the default client of the account. */
  readonly clientId?: string;
  /** Default: the first redirect URI of the client. */
  readonly redirectUri?: string;
  /** Scopes with spaces between them. Default: none, which grants all scopes of the client. */
  readonly scope?: string;
  /** Comes back in the callback. Default: none. */
  readonly state?: string;
  /** Comes back in the ID token. Default: none. */
  readonly nonce?: string;
  /** The id or e-mail address of the user. Default: the first user. */
  readonly user?: string;
  /** A PKCE challenge, S256. */
  readonly codeChallenge?: string;
}

/** A running emulator. */
export interface Emulator {
  /**
   * Gives the URLs of an account in a region. An account that does not exist has URLs too, which answer with 404.
   *
   * @param account Default: the first account.
   * @param region Default: `us`.
   * @throws TypeError when the region does not exist, or the account is not a string.
   * @example
   * const { token, api } = talkdesk.endpoints("acme", "eu");
   */
  endpoints(account?: string, region?: Region): EmulatorEndpoints;
  /**
   * Gives the environment variables that make a program the default client of an account. A new object each time.
   *
   * @param account Default: the first account.
   * @param region Default: `us`.
   * @throws
   * - TypeError when the account or the region does not exist.
   * - Error when the default client of the account was removed.
   * @example
   * const child = spawn("node", ["app.js"], { env: { ...process.env, ...talkdesk.environment("acme", "eu") } });
   */
  environment(account?: string, region?: Region): EmulatorEnvironment;
  /** What clients must trust; undefined without the option `tls`. `environment()` tells a child process of it. */
  readonly certificate: TrustedCertificate | undefined;
  /** The registered clients. Each account has a default client. */
  readonly clients: Clients;
  /** The scripted faults. */
  readonly faults: Faults;
  /** The requests received so far. */
  readonly requests: Requests;
  /** The access tokens issued so far. */
  readonly tokens: {
    /**
     * Counts the access tokens issued so far, of the last 20 000.
     *
     * @throws TypeError when the filter is wrong.
     */
    count(filter?: TokenFilter): number;
    /**
     * Revokes access tokens and the logins that they belong to, so their refresh tokens are refused as well. See
     * `faults.revokeTokens` to revoke access tokens alone.
     *
     * @throws TypeError when the filter is wrong.
     */
    revoke(filter?: TokenFilter): void;
  };
  /** The keys that sign access tokens and ID tokens. */
  readonly keys: Keys;
  /**
   * Goes through the browser's part of a login, over HTTP, with a user who agrees to everything.
   *
   * @throws
   * - Error (rejection) when the authorize endpoint refuses.
   * - TypeError (rejection) when the account or the region does not exist.
   * @example
   * const { code } = await talkdesk.authorize({ scope: "openid users:read" });
   */
  authorize(options?: AuthorizeOptions): Promise<BrowserLoginResult>;
  /** Stops all servers and closes their connections. It may be called again. */
  stop(): Promise<void>;
  /** `stop()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
