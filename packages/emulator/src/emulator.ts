import { setMaxListeners } from "node:events";
import { checkRegion, type Region, regions } from "./base/region.js";
import { seedFrom } from "./base/seed.js";
import { checkEmulatorOptions, type EmulatorOptions } from "./emulator-options.js";
import { type Engine, startEngine } from "./engine/engine.js";
import { loadEngineLibrary } from "./engine/engine-library.js";
import { type Faults, faultScript } from "./faults/faults.js";
import { gateway } from "./gateway/gateway.js";
import { identityHost } from "./identity/identity-host.js";
import { bodyMemory } from "./message/received-body.js";
import { filesHost } from "./reports/files-host.js";
import { type ReportJobs, reportJobs } from "./reports/report-jobs.js";
import { pathSigner } from "./reports/signed-path.js";
import { type Host, serveHost } from "./wire/host-server.js";
import { type Requests, requestLog } from "./wire/request-log.js";
import { startWebServer, type WebServer } from "./wire/web-server.js";
import { type BrowserLoginResult, browserLogin } from "./world/browser-login.js";
import { type Clients, clientRegistry } from "./world/clients.js";
import { type Directory, makeDirectory } from "./world/directory.js";
import { issuedTokens, type TokenFilter } from "./world/issued-tokens.js";
import { type Keys, signingKeys as makeSigningKeys } from "./world/signing-keys.js";

/** Where an account is found in a region. */
export interface EmulatorEndpoints {
  /** What the other addresses of the identity host begin with: its origin, and a path for region and account. */
  readonly identity: string;
  readonly token: string;
  readonly authorize: string;
  readonly jwks: string;
  /** The gateway's origin, without a slash at the end. */
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

/** A login to go through; everything has a default. */
export interface AuthorizeOptions {
  /** Default: the first account. */
  readonly account?: string;
  /** Default: us. */
  readonly region?: Region;
  /** Default: the default client of the account. */
  readonly clientId?: string;
  /** Default: the first one of the client. */
  readonly redirectUri?: string;
  /** Separated by spaces. Default: none, which grants all of the client's. */
  readonly scope?: string;
  readonly state?: string;
  readonly nonce?: string;
  /** The id or e-mail address of the user. Default: the first user. */
  readonly user?: string;
  /** A PKCE challenge, S256. */
  readonly codeChallenge?: string;
}

/** A running emulator. */
export interface Emulator {
  /**
   * Gives the endpoints of an account, the first one by default, in a region, us by default. An account that does
   * not exist has endpoints as well, where nobody is at home.
   *
   * @throws TypeError when the region is none, or the account not a string.
   */
  endpoints(account?: string, region?: Region): EmulatorEndpoints;
  /**
   * Gives the environment variables with which a program finds an account, the first one by default, in a region, us by
   * default, and is its default client: `TALKDESK_TOKEN_URL`, `TALKDESK_AUTHORIZE_URL`, `TALKDESK_JWKS_URL`,
   * `TALKDESK_API_URL`, `TALKDESK_CLIENT_ID` and `TALKDESK_CLIENT_SECRET`. A new object each time.
   *
   * @throws TypeError when the account or the region does not exist.
   * @throws Error when the default client of the account was removed.
   * @example
   * const child = spawn("node", ["app.js"], { env: { ...process.env, ...talkdesk.environment("acme", "eu") } });
   */
  environment(account?: string, region?: Region): Record<EnvironmentVariable, string>;
  readonly clients: Clients;
  readonly faults: Faults;
  readonly requests: Requests;
  readonly tokens: {
    /** Counts the access tokens issued so far, of the last 20 000. */
    count(filter?: TokenFilter): number;
    /**
     * Revokes access tokens and, with them, the logins that they came from: their refresh tokens are dead as well. To
     * revoke access tokens alone there is `faults.revokeTokens`.
     */
    revoke(filter?: TokenFilter): void;
  };
  /** The keys that access and ID tokens are signed with. */
  readonly keys: Keys;
  /**
   * Goes through the browser's part of the authorization code flow, over HTTP, with a user who agrees to all.
   *
   * Rejects with an Error when the authorize endpoint refuses.
   */
  authorize(options?: AuthorizeOptions): Promise<BrowserLoginResult>;
  /** Stops all servers and destroys their connections. Safe to call again. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const fileUrlLifetimeSeconds = 60;

/**
 * Starts a local Talkdesk on the loopback interface: an identity host for every region and account, a gateway for
 * every region, and the host that report files come from. Each is an origin of its own.
 *
 * Everything it issues is fake, and good for nothing but itself.
 *
 * @throws TypeError (rejection) when an option is wrong, naming it.
 * @throws Error (rejection) when a port is in use, with the code `EADDRINUSE`.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const {
    port,
    host,
    accounts,
    tokenLifetimeSeconds,
    refreshTokens,
    refreshReuse,
    requiresRefreshTokenScope,
    serviceTokenType,
    idTokenAlgorithm,
    idTokenIssuer,
    clockSkewMs,
    login,
    keys,
    reportPolls,
    reportRows,
    onRequest,
  } = checkEmulatorOptions(options);
  const seed = seedFrom(options.seed ?? "talkdesk");
  const [firstAccount = ""] = accounts;
  const library = await loadEngineLibrary();

  const stopping = new AbortController();
  // Every request that is delayed waits on it.
  setMaxListeners(0, stopping.signal);
  const servers: WebServer[] = [];
  const closeIdleConnections = (): void => {
    for (const server of servers) server.closeIdleConnections();
  };
  const tokens = issuedTokens();
  const signingKeys = makeSigningKeys(seed);
  const clients = clientRegistry(seed, accounts);
  const faults = faultScript(tokens, closeIdleConnections);
  const requests = requestLog(onRequest);
  const bodies = bodyMemory();
  const signer = pathSigner(seed.hex("files", 64), fileUrlLifetimeSeconds);
  const origins = { identity: "", files: "", us: "", eu: "", ca: "", au: "" };

  const directoryOf = perAccount<Directory>((region, account) => makeDirectory(seed, region, account));
  const reportsOf = perAccount<ReportJobs>((region, account) =>
    reportJobs(seed, region, account, reportPolls, (path) => `${origins.files}${signer.sign(path)}`),
  );
  const engineOf = perAccount<Engine>((region, account) =>
    startEngine(library, {
      region,
      account,
      seed,
      issuer: origins.identity,
      gateway: origins[region],
      tokenLifetimeSeconds,
      clockSkewMs,
      signingKeys,
      idTokenAlgorithm,
      idTokenIssuer: idTokenIssuer ?? origins.identity,
      rotatesRefreshTokens: refreshTokens === "rotate",
      omitsRefreshTokens: refreshTokens === "omit",
      refreshReuse,
      requiresRefreshTokenScope,
      findClient: (clientId) => clients.find(clientId, account),
      findUser: (userId) => directoryOf(region, account).findUser(userId),
      onGrantRevoked: tokens.revokeGrant,
      isGrantRevoked: tokens.isGrantRevoked,
    }),
  );

  async function serve(name: string, offset: number, served: Host): Promise<string> {
    const server = await startWebServer({
      name,
      host,
      port: port === 0 ? 0 : port + offset,
      onRequest: serveHost(served, { log: requests, bodies, faults, stopping: stopping.signal, clockSkewMs }),
    });
    servers.push(server);
    return server.origin;
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  }

  try {
    origins.identity = await serve(
      "the identity host",
      0,
      identityHost({
        seed,
        accounts,
        clients,
        tokens,
        engineOf,
        directoryOf,
        origin: () => origins.identity,
        gatewayOf: (region) => origins[region],
        signingKeys,
        keys,
        serviceTokenType,
        login,
        now: () => Date.now() + clockSkewMs,
      }),
    );
    for (const [index, region] of regions.entries()) {
      origins[region] = await serve(
        `the ${region} gateway`,
        1 + index,
        gateway({ region, tokens, origin: () => origins[region], directoryOf, reportsOf }),
      );
    }
    origins.files = await serve(
      "the files host",
      1 + regions.length,
      filesHost({ seed, signer, directoryOf, reportRows }),
    );
  } catch (error) {
    await stop();
    throw error;
  }

  function endpoints(account: string = firstAccount, region: Region = "us"): EmulatorEndpoints {
    if (typeof account !== "string") throw new TypeError("account must be a string");
    checkRegion(region);
    const identity = `${origins.identity}/${region}/${encodeURIComponent(account)}`;
    return Object.freeze({
      identity,
      token: `${identity}/oauth/token`,
      authorize: `${identity}/oauth/authorize`,
      jwks: `${identity}/oauth/2023-10/certs`,
      api: origins[region],
    });
  }

  return Object.freeze({
    endpoints,
    environment(account = firstAccount, region = "us") {
      const { token, authorize, jwks, api } = endpoints(account, region);
      const { clientId, clientSecret } = clients.get(account);
      return {
        TALKDESK_TOKEN_URL: token,
        TALKDESK_AUTHORIZE_URL: authorize,
        TALKDESK_JWKS_URL: jwks,
        TALKDESK_API_URL: api,
        TALKDESK_CLIENT_ID: clientId,
        TALKDESK_CLIENT_SECRET: clientSecret,
      };
    },
    clients,
    faults,
    requests,
    tokens: Object.freeze({
      count: (filter: TokenFilter = {}) => tokens.count(filter),
      revoke: (filter: TokenFilter = {}) => tokens.revokeLogins(filter),
    }),
    keys: Object.freeze({ rotate: signingKeys.rotate }),
    async authorize({ account = firstAccount, region = "us", clientId, redirectUri, ...rest } = {}) {
      const client = clients.find(clientId ?? clients.get(account).clientId, account);
      return browserLogin({
        authorizeUrl: endpoints(account, region).authorize,
        clientId: clientId ?? client?.clientId ?? "",
        redirectUri: redirectUri ?? client?.redirectUris[0] ?? "",
        ...rest,
      });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  } satisfies Emulator);
}

function perAccount<Value>(
  make: (region: Region, account: string) => Value,
): (region: Region, account: string) => Value {
  const made = new Map<string, Value>();
  return (region, account) => {
    const key = `${region}/${account}`;
    const known = made.get(key) ?? make(region, account);
    made.set(key, known);
    return known;
  };
}
