import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { TokenCredential } from "@azure/core-auth";
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createEmptyPipeline,
  createPipelineRequest,
} from "@azure/core-rest-pipeline";
import {
  type AccessToken,
  accessToken,
  type Clock,
  clientCredentials,
  clientSecretBasic,
  requestToken,
  type TalkdeskClient,
  type TokenSource,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { type AuthClient, OAuth2Client } from "google-auth-library";
import ts from "typescript";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EXAMPLE_OPTIONS } from "./compiler-options.js";

interface Bridges {
  toCredential(source: TokenSource): TokenCredential;
  fromCredential(credential: TokenCredential, api: string, scopes: string[]): TokenSource;
  readonly TalkdeskAuth: new (source: TokenSource) => AuthClient;
  fromAuthClient(auth: OAuth2Client, api: string): TokenSource;
}

const folder = fileURLToPath(new URL("../.bridges", import.meta.url));
let bridges: Bridges;
let talkdesk: Emulator;
/** How far the clock of the sources is ahead. */
let aheadMs: number;

/** Takes the examples of the page as they stand there. */
beforeAll(async () => {
  const markdown = await readFile(new URL("../../../docs/bridges.md", import.meta.url), "utf8");
  await mkdir(folder, { recursive: true });
  const parts = await Promise.all(
    [...markdown.matchAll(/^```ts\n(.*?)^```/gms)].map(async ([, code = ""], index) => {
      const file = `${folder}/${index}.mjs`;
      const { outputText } = ts.transpileModule(code, {
        compilerOptions: EXAMPLE_OPTIONS,
        fileName: "bridge.mts",
      });
      await writeFile(file, outputText);
      return import(file) as Promise<Partial<Bridges>>;
    }),
  );
  bridges = Object.assign({}, ...parts) as Bridges;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  talkdesk = await startEmulator();
  aheadMs = 0;
});

afterEach(() => talkdesk.stop());

function client(): TalkdeskClient {
  const { clientId, clientSecret } = talkdesk.clients.get();
  const clock: Clock = {
    now: () => Date.now() + aheadMs,
    monotonic: () => performance.now() + aheadMs,
    setTimeout,
    clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  };
  return talkdeskClient({
    endpoints: talkdesk.endpoints(),
    authentication: clientSecretBasic({ clientId, clientSecret }),
    clock,
  });
}

const requestOne = (): Promise<AccessToken> => requestToken(client(), { grant_type: "client_credentials" });
const tokenRequests = (): number => talkdesk.requests.to("token").length;
const api = (): string => talkdesk.endpoints().api;

/** The answers of the API so far, as tokens were accepted or not. */
const bearers = (): number =>
  new Set(talkdesk.requests.to("api").map(({ headers }) => headers["authorization"])).size;

describe("a source as a TokenCredential", () => {
  it("gives tokens to Azure's policy, renews them, and replaces one that a challenge refuses", async () => {
    const source = clientCredentials(client());
    const credential = bridges.toCredential(source);
    const pipeline = createEmptyPipeline();
    pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: "any" }));
    const sender = createDefaultHttpClient();
    // The policy sends tokens over https alone; a hosts file could send these requests to the emulator.
    const httpClient: typeof sender = {
      sendRequest(request) {
        const url = request.url.replace("https://api.example", api());
        return sender.sendRequest(
          Object.assign(createPipelineRequest({ ...request, url }), { allowInsecureConnection: true }),
        );
      },
    };
    const list = async (): Promise<number> =>
      (await pipeline.sendRequest(httpClient, createPipelineRequest({ url: "https://api.example/contacts" })))
        .status;

    expect([await list(), await list(), tokenRequests()]).toEqual([200, 200, 1]);
    const claims = Buffer.from("{}").toString("base64");
    talkdesk.faults.add({
      at: "api",
      respond: {
        status: 401,
        headers: { "www-authenticate": `Bearer error="insufficient_claims", claims="${claims}"` },
      },
    });
    expect([await list(), tokenRequests(), bearers()]).toEqual([200, 2, 2]);
    aheadMs = 600_000;
    const renewed = await credential.getToken("any");
    expect(renewed?.expiresOnTimestamp).toBeGreaterThan(Date.now() + aheadMs);
    expect(tokenRequests()).toBe(3);
  });
});

describe("a TokenCredential as a source", () => {
  it("is asked at each call, and a call is sent again when it has another token", async () => {
    let held: AccessToken | undefined;
    let isKept = true;
    const credential: TokenCredential = {
      async getToken() {
        if (held === undefined || !isKept) held = await requestOne();
        return { token: held.value, expiresOnTimestamp: held.expiresAt };
      },
    };
    const source = bridges.fromCredential(credential, api(), ["any"]);
    const fetch = talkdeskFetch(source);
    expect((await fetch("/contacts")).status).toBe(200);
    expect((await source.getToken()).expiresAt).toBe(held?.expiresAt);
    talkdesk.tokens.revoke();
    expect([(await fetch("/contacts")).status, talkdesk.requests.to("api").length]).toEqual([401, 2]);
    isKept = false;
    const wasRevoked = held;
    expect((await fetch("/contacts")).status).toBe(200);
    expect(held?.value).not.toBe(wasRevoked?.value);
  });

  it("rejects when the credential has no token", async () => {
    const source = bridges.fromCredential({ getToken: async () => null }, api(), []);
    await expect(talkdeskFetch(source)("/contacts")).rejects.toThrow("no token");
  });
});

describe("a source as an AuthClient", () => {
  it("sends requests, renews its token, and sends a refused request again", async () => {
    const auth = new bridges.TalkdeskAuth(clientCredentials(client()));
    const list = async (): Promise<number> => (await auth.request({ url: `${api()}/contacts` })).status;
    expect([await list(), await list(), tokenRequests()]).toEqual([200, 200, 1]);
    talkdesk.tokens.revoke();
    expect([await list(), tokenRequests()]).toEqual([200, 2]);
    aheadMs = 600_000;
    expect([await list(), tokenRequests()]).toEqual([200, 3]);
    const { token } = await auth.getAccessToken();
    expect((await auth.getRequestHeaders()).get("authorization")).toBe(`Bearer ${token}`);
    expect((await auth.fetch(`${api()}/contacts`)).status).toBe(200);
  });

  it("sends no token elsewhere", async () => {
    const auth = new bridges.TalkdeskAuth(clientCredentials(client()));
    await auth.request({ url: talkdesk.endpoints(undefined, "eu").api, validateStatus: () => true });
    expect(talkdesk.requests.to("api").map(({ headers }) => headers["authorization"])).toEqual([undefined]);
  });
});

describe("an AuthClient as a source", () => {
  it("keeps its token, is asked for another when that ends, and replaces a refused one", async () => {
    const auth = new OAuth2Client();
    auth.refreshHandler = async () => {
      const { value, expiresAt } = await requestOne();
      return { access_token: value, expiry_date: expiresAt };
    };
    const source = bridges.fromAuthClient(auth, api());
    const fetch = talkdeskFetch(source);
    expect([(await fetch("/contacts")).status, (await fetch("/contacts")).status]).toEqual([200, 200]);
    expect(tokenRequests()).toBe(1);
    expect((await source.getToken()).expiresAt).toBe(auth.credentials.expiry_date);
    talkdesk.tokens.revoke();
    expect([(await fetch("/contacts")).status, tokenRequests()]).toEqual([200, 2]);
    auth.setCredentials({ ...auth.credentials, expiry_date: Date.now() - 1 });
    expect([(await fetch("/contacts")).status, tokenRequests()]).toEqual([200, 3]);
    // A late refusal of a token that was replaced already costs nothing.
    await source.getToken({ rejected: accessToken({ value: "an-old-one", expiresAt: Date.now() }) });
    expect(tokenRequests()).toBe(3);
  });
});
