import { createPrivateKey } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { runCommand } from "../src/cli/cli-command.js";
import { REGIONS } from "./support/regions.js";
import { makeBasicHeader } from "./support/token-request.js";
import { send, type WireResponse } from "./support/wire.js";

interface Run {
  readonly exitCode: Promise<number>;
  readonly output: () => string;
  readonly errors: () => string;
  readonly stop: () => void;
}

function run(...argv: string[]): Run {
  const stopping = new AbortController();
  let output = "";
  let errors = "";
  return {
    exitCode: runCommand(argv, {
      write: (text) => {
        output += text;
      },
      writeError: (text) => {
        errors += text;
      },
      stopped: stopping.signal,
    }),
    output: () => output,
    errors: () => errors,
    stop: () => stopping.abort(),
  };
}

function readVariables(output: string): Record<string, string> {
  return Object.fromEntries(
    [...output.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );
}

it("prints variables that work, logs requests without secrets, and stops with 0", async () => {
  const command = run(
    "--port",
    "0",
    "--account",
    "globex",
    "--account",
    "acme",
    "--region",
    "eu",
    "--seed",
    "s",
  );
  await expect.poll(command.output).toContain("TALKDESK_CLIENT_SECRET");
  expect(command.output()).toMatch(
    /^A local Talkdesk is running, for this machine only\. Its tokens and credentials are fake/,
  );
  const {
    TALKDESK_TOKEN_URL: token = "",
    TALKDESK_AUTHORIZE_URL: authorize = "",
    TALKDESK_JWKS_URL: jwks = "",
    TALKDESK_API_URL: api = "",
    TALKDESK_CLIENT_ID: clientId = "",
    TALKDESK_CLIENT_SECRET: clientSecret = "",
  } = readVariables(command.output());
  expect(token).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/eu\/globex\/oauth\/token$/);
  expect(authorize).toBe(token.replace(/token$/, "authorize"));
  expect((await send(jwks)).status).toBe(200);

  const { json } = await send(token, {
    method: "POST",
    headers: {
      authorization: makeBasicHeader({ clientId, clientSecret }),
      "content-type": "application/x-www-form-urlencoded",
    },
    body: "grant_type=client_credentials",
  });
  const headers = { authorization: `Bearer ${json.access_token}` };
  expect((await send(`${api}/users?page=2&access_token=hidden`, { headers })).status).toBe(200);

  await expect.poll(command.output).toContain("\neu globex GET /users?page&access_token 200\n");
  expect(command.output()).toContain("\neu globex POST /eu/globex/oauth/token 200\n");
  const log = command.output().slice(command.output().indexOf(clientSecret) + clientSecret.length);
  for (const secret of [clientSecret, json.access_token, "hidden"]) expect(log).not.toContain(secret);

  command.stop();
  expect(await command.exitCode).toBe(0);
  expect(command.errors()).toBe("");
  expect((await send(jwks)).error?.code).toBe("ECONNREFUSED");
});

it("prints the key commented out, so that pasting sets the secret alone", async () => {
  const command = run("--port", "0");
  await expect.poll(command.output).toContain("TALKDESK_PRIVATE_KEY");
  command.stop();
  expect(await command.exitCode).toBe(0);
  const commented = command.output().replace(/^# export /gm, "export ");
  const { TALKDESK_KEY_ID, TALKDESK_KEY_ALGORITHM, TALKDESK_PRIVATE_KEY = "" } = readVariables(commented);
  expect(TALKDESK_KEY_ID).toMatch(/^[0-9a-f]{32}$/);
  expect(TALKDESK_KEY_ALGORITHM).toBe("ES256");
  const key = createPrivateKey({
    key: Buffer.from(TALKDESK_PRIVATE_KEY, "base64"),
    format: "der",
    type: "pkcs8",
  });
  expect(key.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
  for (const name of ["KEY_ID", "KEY_ALGORITHM", "PRIVATE_KEY"]) {
    expect(readVariables(command.output())).not.toHaveProperty(`TALKDESK_${name}`);
  }
});

it("shows a login page with --login page", async () => {
  const command = run("--port", "0", "--login", "page");
  await expect.poll(command.output).toContain("TALKDESK_CLIENT_SECRET");
  const { TALKDESK_AUTHORIZE_URL: authorize = "", TALKDESK_CLIENT_ID: id = "" } = readVariables(
    command.output(),
  );
  const redirect = encodeURIComponent("http://localhost:3000/callback");
  const page = await send(`${authorize}?response_type=code&client_id=${id}&redirect_uri=${redirect}`);
  command.stop();
  await command.exitCode;
  expect([page.status, page.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
});

/** Starts the command, and gives what is needed to use it. */
async function use(...argv: string[]): Promise<
  Run & {
    readonly variables: Record<string, string>;
    readonly requestToken: (form?: string) => Promise<WireResponse>;
    readonly log: () => string;
  }
> {
  const command = run("--port", "0", ...argv);
  await expect.poll(command.output).toContain("TALKDESK_PRIVATE_KEY");
  const printed = command.output().length;
  const variables = readVariables(command.output());
  const { TALKDESK_TOKEN_URL = "", TALKDESK_CLIENT_ID = "", TALKDESK_CLIENT_SECRET = "" } = variables;
  const client = { clientId: TALKDESK_CLIENT_ID, clientSecret: TALKDESK_CLIENT_SECRET };
  const { NODE_EXTRA_CA_CERTS: file } = variables;
  const ca = file === undefined ? undefined : readFileSync(file, "utf8");
  return {
    ...command,
    variables,
    log: () => command.output().slice(printed),
    requestToken: (form = "grant_type=client_credentials") =>
      send(TALKDESK_TOKEN_URL, {
        method: "POST",
        headers: {
          authorization: makeBasicHeader(client),
          "content-type": "application/x-www-form-urlencoded",
        },
        body: form,
        ca,
      }),
  };
}

async function finish(command: Run): Promise<void> {
  command.stop();
  expect(await command.exitCode).toBe(0);
  expect(command.errors()).toBe("");
}

it("logs in with the redirect URIs that are given", async () => {
  const uris = ["http://localhost:8080/back", "https://app.example.com/callback"];
  const command = await use("--redirect-uri", uris[0] ?? "", "--redirect-uri", uris[1] ?? "");
  const { TALKDESK_AUTHORIZE_URL: authorize, TALKDESK_CLIENT_ID: id } = command.variables;
  const visit = (uri: string): Promise<WireResponse> =>
    send(`${authorize}?response_type=code&client_id=${id}&redirect_uri=${encodeURIComponent(uri)}`);
  for (const uri of uris) expect((await visit(uri)).headers.location).toMatch(`${uri}?code=fake_`);
  expect((await visit("http://localhost:3000/callback")).status).toBe(400);
  await finish(command);
});

it("issues tokens of the lifetime that is given, and revokes them as often as is asked", async () => {
  const command = await use("--lifetime", "7200", "--revoke", "1");
  const { json } = await command.requestToken();
  expect(json.expires_in).toBe(7200);
  const headers = { authorization: `Bearer ${json.access_token}` };
  const callUsers = async (): Promise<unknown> =>
    (await send(`${command.variables["TALKDESK_API_URL"]}/users`, { headers })).json.description;
  await expect.poll(callUsers).toBe("The token was revoked.");
  await finish(command);
});

it("has the faults and the leniency that are given, and a line for each outcome", async () => {
  const command = await use(
    ...["--fault", "token:503:2", "--fault", "token:reset", "--fault", "token:100ms:always"],
    ...["--lenient", "grant-in-query"],
  );
  const statuses = [];
  for (let count = 0; count < 4; count += 1) statuses.push((await command.requestToken()).status);
  expect(statuses).toEqual([503, 503, undefined, 200]);
  expect((await command.requestToken("grant_type=password")).status).toBe(400);
  expect((await send(`${command.variables["TALKDESK_API_URL"]}/users`)).status).toBe(401);
  const { TALKDESK_TOKEN_URL: token } = command.variables;
  await send(`${token}?grant_type=client_credentials`, { method: "POST" });
  await expect.poll(command.log).toContain("(lenient: ");
  expect(command.log().split("\n")).toEqual([
    "us acme POST /us/acme/oauth/token 503",
    "us acme POST /us/acme/oauth/token 503",
    "us acme POST /us/acme/oauth/token cut",
    "us acme POST /us/acme/oauth/token 200",
    "us acme POST /us/acme/oauth/token 400 unsupported_grant_type: The grant type is not supported.",
    "us - GET /users 401 Unauthorized: The request has no token that this emulator knows.",
    "us acme POST /us/acme/oauth/token?grant_type 401 invalid_client: The request has no Authorization header. (lenient: grant-in-query)",
    "",
  ]);
  await finish(command);
});

it.each([
  ["429", { status: 429, headers: { "retry-after": "1" } }],
  ["500", { status: 500, headers: { "content-type": "application/json" } }],
  ["502", { status: 502, headers: { "content-type": "text/html" } }],
  ["503", { status: 503, headers: { "retry-after": "1" } }],
  ["malformed", { status: 200 }],
  ["lose", { status: undefined }],
])("answers as the fault %s says", async (effect, expected) => {
  const command = await use("--fault", `jwks:${effect}`);
  expect(await send(command.variables["TALKDESK_JWKS_URL"] ?? "")).toMatchObject(expected);
  await finish(command);
});

it("has the operations of a module", async () => {
  const file = join(await mkdtemp(join(tmpdir(), "operations-")), "operations.mjs");
  await writeFile(
    file,
    `export default [{ method: "GET", path: "/flows/{id}", answer: ({ params }) => ({ status: 200, body: params }) }];`,
  );
  const command = await use("--operations", file);
  const { json } = await command.requestToken();
  const headers = { authorization: `Bearer ${json.access_token}` };
  const answer = await send(`${command.variables["TALKDESK_API_URL"]}/flows/7`, { headers });
  expect(answer.json).toEqual({ id: "7" });
  await finish(command);
  await rm(dirname(file), { recursive: true });
});

it("serves https with --tls, and says how to trust its certificate", async () => {
  const command = await use("--tls");
  const { TALKDESK_TOKEN_URL: token, NODE_EXTRA_CA_CERTS: file = "" } = command.variables;
  expect(token).toMatch(/^https:/);
  expect((await command.requestToken()).status).toBe(200);
  expect(command.output()).toMatch(/This makes browsers trust it:\n# .+ca\.pem"/);
  await finish(command);
  expect(existsSync(file)).toBe(false);
});

it("prints how it is used with --help", async () => {
  const command = run("--help");
  expect(await command.exitCode).toBe(0);
  expect(command.output()).toMatch(/^Usage: talkdesk-emulator/);
});

it.each([
  [["--bogus"], "--bogus"],
  [["positional"], "positional"],
  [["--port", "x"], "--port must be a port number, not 'x'."],
  [["--port", "65535"], "port must be"],
  [["--region", "uk"], `--region must be one of ${REGIONS.join(", ")}, not 'uk'.`],
  [["--redirect-uri", "callback"], 'redirectUris must not hold "callback".'],
  [["--lifetime", "0"], "--lifetime must be a number of seconds from 1 to 999999, not '0'."],
  [["--revoke", "x"], "--revoke must be a number of seconds"],
  [
    ["--fault", "token"],
    "--fault must be PLACE:EFFECT or PLACE:EFFECT:TIMES, such as token:503:2, not 'token'.",
  ],
  [["--fault", "token:200"], "not 'token:200'"],
  [["--fault", "token:503:0"], "not 'token:503:0'"],
  [["--fault", "token:503:1:1"], "not 'token:503:1:1'"],
  [["--fault", "tokens:503", "--port", "0"], "at must be one of token, api"],
  [["--lenient", "everything"], "lenient must hold some of secret-in-body"],
  [["--operations", "/nowhere.mjs"], "--operations cannot import /nowhere.mjs: "],
  [["--login", "ask"], "--login must be automatic or page, not 'ask'."],
  [["--account", "a b"], "accounts must hold"],
  [["--seed", ""], "seed must be"],
])("ends with 2 and one line that says what is wrong for %j", async (argv, message) => {
  const command = run(...argv);
  expect(await command.exitCode).toBe(2);
  expect(command.errors()).toMatch(/^talkdesk-emulator: [^\n]+\n$/);
  expect(command.errors()).toContain(message);
  expect(command.output()).toBe("");
});

it("ends with 1 and one sentence when the port is in use", async () => {
  const squatter = createServer();
  let port = 0;
  do {
    squatter.close();
    squatter.listen(0, "127.0.0.1");
    await new Promise((resolve) => squatter.once("listening", resolve));
    port = (squatter.address() as AddressInfo).port;
    // The other servers need ports after this one.
  } while (port > 65_530);
  const command = run("--port", String(port));
  expect(await command.exitCode).toBe(1);
  expect(command.errors()).toBe(
    `talkdesk-emulator: Port ${port} on 127.0.0.1, for the identity host, is in use.\n`,
  );
  squatter.close();
});

it("prints every request as one line of printable ASCII, whatever a client sends", async () => {
  const command = run("--port", "0");
  await expect.poll(command.output).toContain("TALKDESK_CLIENT_SECRET");
  const { TALKDESK_JWKS_URL: jwks = "", TALKDESK_API_URL: api = "" } = readVariables(command.output());
  const printed = command.output().length;
  const forged = encodeURIComponent(
    "\n\rexport TALKDESK_TOKEN_URL=http://evil.example\u001b[2J\u009b2J\u202e",
  );
  await send(`${jwks}?${forged}`);
  await send(`${api}/users?a&${forged}=1`, { headers: { host: "evil.example" } });
  await sendRaw(api, "/\u009b31m\u0007\u00e9?\u009b");
  await send(`${jwks}?${"x".repeat(8_000)}`);
  await expect.poll(command.output).toMatch(/x{200,}.* 200\n$/);
  const log = command.output().slice(printed);
  expect(log).toMatch(/^(?:[a-z-]+ [\x21-\x7e]+ GET [\x21-\x7e]{1,303} (?:\d{3}|cut)[\x20-\x7e]*\n){3,4}$/);
  expect(log).toContain("?%0A%0Dexport%20TALKDESK_TOKEN_URL%3Dhttp%3A%2F%2Fevil.example%1B%5B2J");
  expect(log).toContain(" 404 Not found: The Host header names another host.\n");
  command.stop();
  expect(await command.exitCode).toBe(0);
});

/** Sends a request line with bytes that an HTTP client would refuse to send. */
async function sendRaw(origin: string, target: string): Promise<void> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.write(
    Buffer.from(`GET ${target} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`, "latin1"),
  );
  for await (const _ of socket);
}
