import type { webcrypto } from "node:crypto";
import {
  type AccessToken,
  accessToken,
  type ClientAuthentication,
  type Clock,
  type ClosableTokenSource,
  checkClient,
  checkIssuers,
  checkLoginClient,
  checkRedirectUri,
  checkScope,
  checkTokenStore,
  clientCredentials,
  clientSecretBasic,
  type Endpoints,
  type FetchFunction,
  type Grant,
  isTalkdeskError,
  type PrivateKeyJwtOptions,
  parseSecureUrl,
  parseTokenResponse,
  parseUrl,
  privateKeyJwt,
  type Region,
  requestToken,
  type Scope,
  type ServiceTokenOptions,
  type SourcePool,
  serviceToken,
  sourcePool,
  type TalkdeskClient,
  type TalkdeskClientOptions,
  type TalkdeskError,
  type TalkdeskErrorCode,
  type TokenEvent,
  type TokenSource,
  type TokenStore,
  talkdeskClient,
  talkdeskClientFromEnv,
  talkdeskEndpoints,
} from "@talkdesk-oauth/core";
import { describe, expectTypeOf, it } from "vitest";

// Checked by the compiler; at run time there is nothing to see.
describe("the types", () => {
  it("of regions and endpoints", () => {
    expectTypeOf<Region>().toEqualTypeOf<"us" | "eu" | "ca" | "au">();
    expectTypeOf(talkdeskEndpoints).toEqualTypeOf<(account: string, region?: Region) => Endpoints>();
    expectTypeOf<Endpoints>().toEqualTypeOf<{
      readonly identity: string;
      readonly token: string;
      readonly authorize: string;
      readonly jwks: string;
      readonly api: string;
    }>();
  });

  it("of a client", () => {
    expectTypeOf(talkdeskClient).toEqualTypeOf<(options: TalkdeskClientOptions) => TalkdeskClient>();
    expectTypeOf(talkdeskClientFromEnv).returns.toEqualTypeOf<TalkdeskClient>();
    expectTypeOf(talkdeskClientFromEnv).toBeCallableWith();
    expectTypeOf(talkdeskClientFromEnv).toBeCallableWith(process.env);
    expectTypeOf<TalkdeskClientOptions["authentication"]>().toEqualTypeOf<ClientAuthentication>();
    expectTypeOf<TalkdeskClientOptions["fetch"]>().toEqualTypeOf<FetchFunction | undefined>();
    expectTypeOf<typeof fetch>().toExtend<FetchFunction>();
    expectTypeOf<Partial<Endpoints> | undefined>().toEqualTypeOf<TalkdeskClientOptions["endpoints"]>();
    // @ts-expect-error: no region but the four
    const wrong: Partial<TalkdeskClientOptions> = { region: "uk" };
    // @ts-expect-error: a client needs an authentication
    const empty: TalkdeskClientOptions = { account: "acme" };
    void wrong;
    void empty;
  });

  it("of checks, which tell the compiler what they found", () => {
    const use = (given: unknown): void => {
      const seen: unknown[] = [given];
      const [client, loginClient, store, scope, redirectUri, issuers] = seen;
      checkClient(client);
      expectTypeOf(client).toEqualTypeOf<TalkdeskClient>();
      checkLoginClient(loginClient);
      expectTypeOf(loginClient.authentication.clientId).toEqualTypeOf<string>();
      checkTokenStore(store);
      expectTypeOf(store).toEqualTypeOf<TokenStore>();
      checkScope(scope);
      expectTypeOf(scope).toEqualTypeOf<Scope>();
      checkRedirectUri(redirectUri);
      expectTypeOf(redirectUri).toEqualTypeOf<string>();
      checkIssuers(issuers);
      expectTypeOf(issuers).toEqualTypeOf<readonly string[]>();
    };
    void use;
    expectTypeOf(parseUrl).toEqualTypeOf<(value: string, base?: string | URL) => URL | undefined>();
    expectTypeOf(parseSecureUrl).toEqualTypeOf<(value: unknown, name: string) => URL>();
  });

  it("of a client authentication, built-in or custom", () => {
    expectTypeOf(clientSecretBasic).returns.toEqualTypeOf<ClientAuthentication>();
    expectTypeOf(clientSecretBasic).toBeCallableWith({ clientId: "i", clientSecret: async () => "s" });
    const own: ClientAuthentication = ({ endpoints, headers, body, now }) => {
      expectTypeOf(endpoints).toEqualTypeOf<Endpoints>();
      expectTypeOf(now).toEqualTypeOf<number>();
      headers.set("x-at", String(now));
      body.set("client_id", "own");
    };
    expectTypeOf(own.clientId).toEqualTypeOf<string | undefined>();
    // @ts-expect-error: "base64" is no encoding
    void (() => clientSecretBasic({ clientId: "i", clientSecret: "s", encoding: "base64" }));
  });

  it("of a key, as text or as the platform's", () => {
    expectTypeOf(privateKeyJwt).returns.toEqualTypeOf<ClientAuthentication>();
    expectTypeOf<webcrypto.CryptoKey>().toExtend<PrivateKeyJwtOptions["privateKey"]>();
    expectTypeOf<string>().toExtend<PrivateKeyJwtOptions["privateKey"]>();
    expectTypeOf<PrivateKeyJwtOptions["algorithm"]>().toEqualTypeOf<
      "ES256" | "ES384" | "ES512" | "PS256" | "PS384" | "PS512" | undefined
    >();
    // @ts-expect-error: RS256 is none of Talkdesk's
    const wrong: Partial<PrivateKeyJwtOptions> = { algorithm: "RS256" };
    // @ts-expect-error: a key goes with its id
    const nameless: PrivateKeyJwtOptions = { clientId: "i", privateKey: "k" };
    void [wrong, nameless];
  });

  it("of grants", () => {
    expectTypeOf<Grant["grant_type"]>().toEqualTypeOf<
      "client_credentials" | "authorization_code" | "refresh_token"
    >();
    expectTypeOf<Scope>().toEqualTypeOf<string | readonly string[]>();
    expectTypeOf(requestToken).parameter(0).toEqualTypeOf<TalkdeskClient>();
    expectTypeOf(requestToken).parameter(1).toEqualTypeOf<Grant>();
    expectTypeOf<{ signal: AbortSignal }>().toExtend<Parameters<typeof requestToken>[2]>();
    expectTypeOf(requestToken).returns.toEqualTypeOf<Promise<AccessToken>>();
    expectTypeOf(parseTokenResponse).returns.toEqualTypeOf<AccessToken>();
    // @ts-expect-error: a code goes with its redirect URI
    const code: Grant = { grant_type: "authorization_code", code: "c" };
    // @ts-expect-error: a refresh token is not optional
    const refresh: Grant = { grant_type: "refresh_token" };
    // @ts-expect-error: Talkdesk has no other type of token to ask for
    const jwt: Grant = { grant_type: "client_credentials", token_type: "jwt" };
    void [code, refresh, jwt];
  });

  it("of a token, which cannot be changed", () => {
    expectTypeOf(accessToken).returns.toEqualTypeOf<AccessToken>();
    expectTypeOf<AccessToken["type"]>().toEqualTypeOf<"Bearer" | "opaque">();
    expectTypeOf<AccessToken["scope"]>().toEqualTypeOf<readonly string[] | undefined>();
    expectTypeOf<AccessToken["extra"]>().toEqualTypeOf<Readonly<Record<string, unknown>>>();
    const change = (token: AccessToken): void => {
      // @ts-expect-error: read only
      token.value = "other";
    };
    void change;
  });

  it("of an error, with a closed set of codes", () => {
    const use = (error: unknown): void => {
      if (!isTalkdeskError(error)) return;
      expectTypeOf(error).toEqualTypeOf<TalkdeskError>();
      expectTypeOf(error.code).toEqualTypeOf<TalkdeskErrorCode>();
      expectTypeOf(error.retryAt).toEqualTypeOf<number | undefined>();
      expectTypeOf(error.hints).toEqualTypeOf<readonly string[]>();
      // @ts-expect-error: no such code
      void (error.code === "network");
    };
    void use;
  });

  it("of a source", () => {
    expectTypeOf(clientCredentials).returns.toEqualTypeOf<ClosableTokenSource>();
    expectTypeOf(serviceToken).returns.toEqualTypeOf<ClosableTokenSource>();
    expectTypeOf(serviceToken).parameter(0).toEqualTypeOf<TalkdeskClient>();
    expectTypeOf(serviceToken).parameter(1).toEqualTypeOf<ServiceTokenOptions | undefined>();
    expectTypeOf<ServiceTokenOptions["lifetimeSeconds"]>().toEqualTypeOf<number | undefined>();
    expectTypeOf<ClosableTokenSource>().toExtend<TokenSource>();
    expectTypeOf<ClosableTokenSource>().toExtend<AsyncDisposable>();
    expectTypeOf<TokenSource["getToken"]>().returns.toEqualTypeOf<Promise<AccessToken>>();
    expectTypeOf<{ api: string; getToken: () => Promise<AccessToken> }>().toExtend<TokenSource>();
  });

  it("of a pool of sources", () => {
    expectTypeOf(sourcePool).returns.toEqualTypeOf<SourcePool>();
    expectTypeOf(sourcePool).toBeCallableWith(async () => ({}) as ClosableTokenSource, { maxIdle: 10 });
    expectTypeOf<SourcePool["get"]>().toEqualTypeOf<(key: string) => Promise<TokenSource>>();
    expectTypeOf<SourcePool["close"]>().toEqualTypeOf<(key?: string) => Promise<void>>();
    // @ts-expect-error: a pool closes its sources, so they have close()
    void (() => sourcePool(() => ({}) as TokenSource));
  });

  it("of events, told apart by type", () => {
    expectTypeOf<TokenEvent["type"]>().toEqualTypeOf<
      | "token_requested"
      | "token_received"
      | "token_failed"
      | "served_stale"
      | "token_rejected"
      | "token_withheld"
      | "gate_closed"
      | "gate_opened"
      | "store_failed"
      | "session_ended"
    >();
    expectTypeOf<Extract<TokenEvent, { type: "token_failed" }>["error"]>().toEqualTypeOf<TalkdeskError>();
    expectTypeOf<Extract<TokenEvent, { type: "gate_closed" }>["retryAt"]>().toEqualTypeOf<number>();
  });

  it("of a clock, which the platform's timers fit", () => {
    expectTypeOf<{
      now: typeof Date.now;
      monotonic: () => number;
      setTimeout: (callback: () => void, delayMs: number) => NodeJS.Timeout;
    }>().toExtend<Clock>();
  });
});
