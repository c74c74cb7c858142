import { setMaxListeners } from "node:events";
import { checkRegion, REGIONS, type Region } from "./base/region.js";
import { makeSeed } from "./base/seed.js";
import { checkEmulatorOptions } from "./check-options.js";
import type { Emulator, EmulatorEndpoints } from "./emulator.js";
import type { EmulatorOptions } from "./emulator-options.js";
import { makeEngine } from "./engine/engine.js";
import { loadEngineLibrary } from "./engine/engine-library.js";
import { makeFaultScript } from "./faults/faults.js";
import { makeFilesHost } from "./files/files-host.js";
import { findRecordingFile } from "./files/recording-file.js";
import { makePathSigner } from "./files/signed-path.js";
import { makeGateway } from "./gateway/gateway.js";
import { toApiOperation } from "./gateway/to-api-operation.js";
import { logInAsBrowser } from "./identity/browser-login.js";
import { makeIdentityHost } from "./identity/identity-host.js";
import { makeBodyMemory } from "./message/received-body.js";
import { findReportFile } from "./reports/report-file.js";
import { makeReportJobs } from "./reports/report-jobs.js";
import { makeRequestLog } from "./wire/request-log.js";
import { makeServerGroup } from "./wire/server-group.js";
import { makeTlsIdentity } from "./wire/tls-identity.js";
import { removeCertificate, writeCertificate } from "./wire/trusted-certificate.js";
import { makeAccountId } from "./world/account-id.js";
import { DEFAULT_SCOPES } from "./world/client-registration.js";
import { makeClientRegistry } from "./world/clients.js";
import { makeDirectory } from "./world/directory.js";
import { makeIssuedTokens, type TokenFilter } from "./world/issued-tokens.js";
import { makeScimUsers } from "./world/scim-users.js";
import { makeSigningKeys } from "./world/signing-keys.js";

/** Long enough for a client that follows the redirect at once. */
const FILE_URL_LIFETIME_SECONDS = 60;

/**
 * Starts a local Talkdesk on the loopback interface: an identity host for every region and account, a gateway for every
 * region, and the host of report files. Each is an origin of its own.
 *
 * Its tokens and credentials are fake, and are valid in this emulator only. It runs until `stop()` is called, or until the
 * end of the block that declared it with `await using`.
 *
 * @throws
 * - TypeError (rejection) that names the option that is wrong.
 * - Error (rejection) with the code `EADDRINUSE` when a port is in use.
 * @example
 * const talkdesk = await startEmulator({ accounts: ["acme"] });
 * const { token, api } = talkdesk.endpoints("acme", "eu");
 * await talkdesk.stop();
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const checked = checkEmulatorOptions(options);
  const { port, host, accounts, clockSkewMs, refreshTokens, reportPolls, reportRows } = checked;
  const seed = makeSeed(options.seed ?? "talkdesk");
  const [firstAccount = ""] = accounts;
  const library = await loadEngineLibrary();

  const stopping = new AbortController();
  // Every delayed request listens to this signal.
  setMaxListeners(0, stopping.signal);
  const tls = checked.tls ? makeTlsIdentity() : undefined;
  const certificate = tls && (await writeCertificate(tls.ca));
  const servers = makeServerGroup<Region | "identity" | "files">({ host, port, tls });
  const { getOrigin } = servers;
  const tokens = makeIssuedTokens();
  const signingKeys = makeSigningKeys(seed);
  const operations = checked.operations.map(toApiOperation);
  const clients = makeClientRegistry(seed, accounts, {
    scopes: [...DEFAULT_SCOPES, ...operations.flatMap(({ scope }) => scope ?? [])],
    redirectUris: checked.redirectUris,
  });
  const faults = makeFaultScript(tokens, servers.closeIdleConnections);
  const requests = makeRequestLog(checked.onRequest);
  const bodies = makeBodyMemory();
  const surroundings = { log: requests, bodies, faults, stopping: stopping.signal, clockSkewMs };
  const signer = makePathSigner(seed.hex("files", 64), FILE_URL_LIFETIME_SECONDS);
  const getDirectory = makeOnDemand((region, account) => makeDirectory(seed, region, account));
  const getScimUsers = makeOnDemand((region, account) =>
    makeScimUsers(seed, region, account, getDirectory(region, account)),
  );
  const makeFileUrl = (region: Region, account: string, path: string): string =>
    getOrigin("files") + signer.sign(`/${region}/${account}/${path}`);
  const getReports = makeOnDemand((region, account) =>
    makeReportJobs(seed, region, account, reportPolls, (path) => makeFileUrl(region, account, path)),
  );
  const now = (): number => Date.now() + clockSkewMs;
  const getEngine = makeOnDemand((region, account) =>
    makeEngine(library, {
      region,
      account,
      seed,
      issuer: getOrigin("identity"),
      gateway: getOrigin(region),
      tokenLifetimeSeconds: checked.tokenLifetimeSeconds,
      clockSkewMs,
      signingKeys,
      idTokenAlgorithm: checked.idTokenAlgorithm,
      idTokenIssuer: checked.idTokenIssuer ?? getOrigin("identity"),
      rotatesRefreshTokens: refreshTokens === "rotate",
      omitsRefreshTokens: refreshTokens === "omit",
      refreshReuse: checked.refreshReuse,
      requiresRefreshTokenScope: checked.requiresRefreshTokenScope,
      findClient: (clientId) => clients.find(clientId, account),
      findUser: (userId) => getDirectory(region, account).findUser(userId),
      onGrantRevoked: tokens.revokeGrant,
      isGrantRevoked: tokens.isGrantRevoked,
    }),
  );

  async function stop(): Promise<void> {
    stopping.abort();
    await servers.stop();
    if (certificate !== undefined) await removeCertificate(certificate);
  }

  try {
    const identityHost = makeIdentityHost({
      seed,
      accounts,
      clients,
      tokens,
      getEngine,
      getDirectory,
      getOrigin: () => getOrigin("identity"),
      getGatewayOrigin: getOrigin,
      signingKeys,
      keys: checked.keys,
      serviceTokenType: checked.serviceTokenType,
      login: checked.login,
      lenient: checked.lenient,
      now,
    });
    await servers.serve("identity", 0, "the identity host", identityHost, surroundings);
    for (const [index, region] of REGIONS.entries()) {
      const gateway = makeGateway({
        region,
        tokens,
        getOrigin: () => getOrigin(region),
        getDirectory,
        getReports,
        getScimUsers,
        makeFileUrl,
        getAccountId: (account) => makeAccountId(seed, account),
        now,
        operations,
        lenient: checked.lenient,
      });
      await servers.serve(region, 1 + index, `the ${region} gateway`, gateway, surroundings);
    }
    const filesHost = makeFilesHost({
      signer,
      findFile: (region, account, path) =>
        findReportFile(seed, region, account, getDirectory(region, account), path, reportRows) ??
        findRecordingFile(path),
    });
    await servers.serve("files", 1 + REGIONS.length, "the files host", filesHost, surroundings);
  } catch (error) {
    await stop();
    throw error;
  }

  function endpoints(account: string = firstAccount, region: Region = "us"): EmulatorEndpoints {
    if (typeof account !== "string") throw new TypeError("account must be a string.");
    checkRegion(region);
    const identity = `${getOrigin("identity")}/${region}/${encodeURIComponent(account)}`;
    return Object.freeze({
      identity,
      token: `${identity}/oauth/token`,
      authorize: `${identity}/oauth/authorize`,
      jwks: `${identity}/oauth/2023-10/certs`,
      api: getOrigin(region),
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
        ...(certificate !== undefined && { NODE_EXTRA_CA_CERTS: certificate.file }),
      };
    },
    certificate,
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
      return logInAsBrowser({
        authorizeUrl: endpoints(account, region).authorize,
        clientId: clientId ?? client?.clientId ?? "",
        redirectUri: redirectUri ?? client?.redirectUris[0] ?? "",
        ...(certificate !== undefined && { ca: certificate.pem }),
        ...rest,
      });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  } satisfies Emulator);
}

/** Makes a value for each region and account, on first use. */
function makeOnDemand<Value>(
  make: (region: Region, account: string) => Value,
): (region: Region, account: string) => Value {
  const made = new Map<string, Value>();
  return (region, account) => {
    const key = `${region}/${account}`;
    const value = made.get(key) ?? make(region, account);
    made.set(key, value);
    return value;
  };
}
