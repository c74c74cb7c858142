import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { type EmulatorOptions, startEmulator } from "./support/package-under-test.js";
import { REGIONS } from "./support/regions.js";
import { runReport } from "./support/report-file.js";
import { logIn, readClaims, requestBearer, requestToken } from "./support/token-request.js";
import { send } from "./support/wire.js";

describe("options", () => {
  it.each<[string, unknown]>([
    ["options", null],
    ["account", { account: "acme" }],
    ["port", { port: -1 }],
    ["port", { port: 65_535 }],
    ["port", { port: "4010" }],
    ["host", { host: "0.0.0.0" }],
    ["host", { host: "192.168.0.1" }],
    ["host", { host: "" }],
    ["seed", { seed: "" }],
    ["seed", { seed: 1 }],
    ["accounts", { accounts: [] }],
    ["accounts", { accounts: "acme" }],
    ["accounts", { accounts: ["Acme"] }],
    ["accounts", { accounts: ["a/b"] }],
    ["accounts", { accounts: ["acme", "acme"] }],
    ["tokenLifetimeSeconds", { tokenLifetimeSeconds: 0 }],
    ["tokenLifetimeSeconds", { tokenLifetimeSeconds: 1.5 }],
    ["refreshTokens", { refreshTokens: "yes" }],
    ["refreshReuse", { refreshReuse: "allow" }],
    ["requiresRefreshTokenScope", { requiresRefreshTokenScope: "yes" }],
    ["serviceTokenType", { serviceTokenType: 1 }],
    ["idTokenAlgorithm", { idTokenAlgorithm: "HS256" }],
    ["idTokenIssuer", { idTokenIssuer: "" }],
    ["clockSkewMs", { clockSkewMs: "1" }],
    ["login", { login: "ask" }],
    ["keys", { keys: { kid: false } }],
    ["reportPolls", { reportPolls: -1 }],
    ["reportRows", { reportRows: -1 }],
    ["reportRows", { reportRows: 1.5 }],
    ["reportRows", { reportRows: 1_000_001 }],
    ["onRequest", { onRequest: true }],
  ])("with a wrong %s are refused with a TypeError: %j", async (name, options) => {
    const starting = startEmulator(options as EmulatorOptions);
    await expect(starting).rejects.toThrow(TypeError);
    await expect(starting).rejects.toThrow(name);
  });

  it("port is the first of a row: the identity host, a gateway for each region, the files host", async () => {
    const port = await findBasePort();
    await using talkdesk = await startEmulator({ port });
    expect(talkdesk.endpoints()).toEqual({
      identity: `http://127.0.0.1:${port}/us/acme`,
      token: `http://127.0.0.1:${port}/us/acme/oauth/token`,
      authorize: `http://127.0.0.1:${port}/us/acme/oauth/authorize`,
      jwks: `http://127.0.0.1:${port}/us/acme/oauth/2023-10/certs`,
      api: `http://127.0.0.1:${port + 1}`,
    });
    for (const [index, region] of REGIONS.entries()) {
      expect(talkdesk.endpoints("acme", region).api).toBe(`http://127.0.0.1:${port + 1 + index}`);
    }
    expect(new URL(await runReport(talkdesk)).origin).toBe(`http://127.0.0.1:${port + 1 + REGIONS.length}`);
    await expect(startEmulator({ port })).rejects.toMatchObject({
      code: "EADDRINUSE",
      message: `Port ${port} on 127.0.0.1, for the identity host, is in use.`,
    });
  });

  it("port leaves no server running when a later port is in use", async () => {
    const port = await findBasePort();
    const squatter = createServer().listen(port + 2, "127.0.0.1");
    await new Promise((resolve) => squatter.once("listening", resolve));
    await expect(startEmulator({ port })).rejects.toThrow(
      `Port ${port + 2} on 127.0.0.1, for the eu gateway`,
    );
    expect((await send(`http://127.0.0.1:${port}/`)).error?.code).toBe("ECONNREFUSED");
    squatter.close();
  });

  it("host takes localhost by name", async () => {
    await using talkdesk = await startEmulator({ host: "localhost" });
    expect(talkdesk.endpoints().api).toMatch(/^http:\/\/localhost:\d+$/);
    const headers = await requestBearer(talkdesk);
    expect((await send(`${talkdesk.endpoints().api}/echo`, { headers })).status).toBe(200);
  });
});

describe("endpoints()", () => {
  it("refuses a region that does not exist, and escapes an account name", async () => {
    await using talkdesk = await startEmulator();
    expect(() => talkdesk.endpoints("acme", "uk" as never)).toThrow(TypeError);
    expect(() => talkdesk.endpoints(1 as never)).toThrow(TypeError);
    expect(talkdesk.endpoints("../x").token).toContain("/us/..%2Fx/oauth/token");
  });
});

describe("the seed", () => {
  async function trace(seed?: string): Promise<unknown> {
    await using talkdesk = await startEmulator(seed === undefined ? {} : { seed });
    const headers = await requestBearer(talkdesk);
    const { api, jwks } = talkdesk.endpoints();
    const { json } = await logIn(talkdesk, "openid");
    const contact = await send(`${api}/contacts`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: '{"name":"a"}',
    });
    const { clientId, clientSecret } = talkdesk.clients.get();
    return {
      clientId,
      clientSecret,
      added: talkdesk.clients.add(),
      rotated: talkdesk.clients.rotateSecret(clientId).clientSecret,
      keys: (await send(jwks)).json,
      jti: readClaims(headers.authorization).jti,
      sub: readClaims(json.access_token).sub,
      code: talkdesk.requests.to("token").at(-1)?.form.get("code"),
      refreshToken: json.refresh_token,
      sid: json.sid,
      users: (await send(`${api}/users`, { headers })).json._embedded.users.map(
        ({ id }: { id: string }) => id,
      ),
      contact: contact.json.id,
    };
  }

  it("gives the same credentials, identifiers and data to the same calls", async () => {
    expect(await trace("mine")).toEqual(await trace("mine"));
    expect(await trace()).toEqual(await trace("talkdesk"));
  });

  it("gives other values for another seed", async () => {
    const [one, other] = (await Promise.all([trace("a"), trace("b")])) as Record<string, unknown>[];
    for (const name of Object.keys(one ?? {})) expect(other?.[name], name).not.toEqual(one?.[name]);
  });
});

describe("stop()", () => {
  it("stops every server, closes open connections, and may be called again", async () => {
    const talkdesk = await startEmulator();
    const { api } = talkdesk.endpoints();
    const headers = await requestBearer(talkdesk);
    talkdesk.faults.add({ at: "api", hang: true });
    talkdesk.faults.add({ at: "api", delayMs: 60_000 });
    const open = [send(`${api}/echo`, { headers }), send(`${api}/echo`, { headers })];
    await talkdesk.requests.waitFor(() => talkdesk.requests.to("api").length === 2);
    await Promise.all([talkdesk.stop(), talkdesk.stop()]);
    await talkdesk.stop();
    for (const { error } of await Promise.all(open)) expect(error?.code).toBe("ECONNRESET");
    expect((await requestToken(talkdesk)).error?.code).toBe("ECONNREFUSED");
    expect((await send(api)).error?.code).toBe("ECONNREFUSED");
  });

  it("is called at the end of await using", async () => {
    let api = "";
    {
      await using talkdesk = await startEmulator();
      api = talkdesk.endpoints().api;
    }
    expect((await send(api)).error?.code).toBe("ECONNREFUSED");
  });

  it("frees the port for another emulator", async () => {
    const port = await findBasePort();
    for (let round = 0; round < 3; round += 1) {
      await using talkdesk = await startEmulator({ port });
      expect((await requestToken(talkdesk)).status).toBe(200);
    }
  });
});

it("runs beside another emulator and shares nothing with it", async () => {
  await using one = await startEmulator();
  await using other = await startEmulator();
  const { code } = await one.authorize();
  const exchanged = await requestToken(other, {
    grant_type: "authorization_code",
    code,
    redirect_uri: "http://localhost:3000/callback",
  });
  expect(exchanged.json.error).toBe("invalid_grant");
  const headers = await requestBearer(one);
  expect((await send(`${other.endpoints().api}/echo`, { headers })).status).toBe(401);
});

describe("environment()", () => {
  it("gives the variables that make a program the default client of an account", async () => {
    await using talkdesk = await startEmulator({ accounts: ["acme", "globex"] });
    const { token, authorize, jwks, api } = talkdesk.endpoints("globex", "eu");
    const { clientId, clientSecret } = talkdesk.clients.get("globex");
    expect(talkdesk.environment("globex", "eu")).toEqual({
      TALKDESK_TOKEN_URL: token,
      TALKDESK_AUTHORIZE_URL: authorize,
      TALKDESK_JWKS_URL: jwks,
      TALKDESK_API_URL: api,
      TALKDESK_CLIENT_ID: clientId,
      TALKDESK_CLIENT_SECRET: clientSecret,
    });
    expect(talkdesk.environment().TALKDESK_CLIENT_ID).toBe(talkdesk.clients.get("acme").clientId);
    expect(() => talkdesk.environment("nobody")).toThrow(TypeError);
    expect(() => talkdesk.environment("acme", "uk" as never)).toThrow(TypeError);
  });
});

/** Finds six free ports in a row, below those that systems give to connections. */
async function findBasePort(): Promise<number> {
  // The identity host, the gateways and the files host.
  const count = REGIONS.length + 2;
  for (let port = 20_000 + (process.pid % 1000) * count; ; port += count) {
    const free = await Promise.all(Array.from({ length: count }, (_, offset) => isFree(port + offset)));
    if (free.every(Boolean)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
