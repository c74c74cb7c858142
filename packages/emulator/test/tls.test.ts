import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Emulator, type EmulatorOptions, startEmulator } from "./support/package-under-test.js";
import { requestBearer } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
let ca: string;
beforeAll(async () => {
  talkdesk = await startEmulator({ tls: true });
  ca = talkdesk.certificate?.pem ?? "";
});
beforeEach(() => {
  talkdesk.requests.clear();
  talkdesk.faults.clear();
});
afterAll(() => talkdesk.stop());

/** Gives the certificate that a server sends. */
function readCertificate(url: string): Promise<X509Certificate> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), ca }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.end();
      if (certificate !== undefined) resolve(certificate);
    });
    socket.on("error", reject);
  });
}

it("serves every origin with TLS", async () => {
  const { identity, token, authorize, jwks, api } = talkdesk.endpoints("acme", "eu");
  for (const url of [identity, token, authorize, jwks, api]) expect(url).toMatch(/^https:\/\/127\.0\.0\.1:/);
  expect((await send(jwks, { ca })).status).toBe(200);
  const headers = await requestBearer(talkdesk, { region: "eu", ca });
  expect((await send(`${api}/users`, { headers, ca })).status).toBe(200);
  expect((await talkdesk.authorize({ region: "eu" })).code).toMatch(/^fake_/);
});

it("is trusted by its certificate only, and by each name of this machine", async () => {
  const { jwks } = talkdesk.endpoints();
  expect((await send(jwks)).error?.code).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  expect((await send(jwks.replace("127.0.0.1", "localhost"), { ca })).status).toBe(200);
});

it("has an authority for names of this machine alone, and a server's certificate that browsers accept", async () => {
  const authority = new X509Certificate(ca);
  expect(authority.ca).toBe(true);
  expect(authority.verify(authority.publicKey)).toBe(true);
  expect(authority.raw.toString("hex")).toContain(Buffer.from("localhost").toString("hex"));
  const certificate = await readCertificate(talkdesk.endpoints().api);
  expect(certificate.ca).toBe(false);
  expect(certificate.verify(authority.publicKey)).toBe(true);
  expect(certificate.checkIssued(authority)).toBe(true);
  expect(certificate.subjectAltName).toBe("DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(360);
  expect(days).toBeLessThan(398);
});

it("makes another authority at each start, so that nobody can have its key", async () => {
  await using other = await startEmulator({ tls: true });
  expect((await send(other.endpoints().jwks, { ca })).error).toBeDefined();
  expect(other.certificate?.file).not.toBe(talkdesk.certificate?.file);
});

it("leads a child process to it with environment()", async () => {
  const { NODE_EXTRA_CA_CERTS: file = "", ...variables } = talkdesk.environment();
  expect(file).toBe(talkdesk.certificate?.file);
  expect(readFileSync(file, "utf8")).toBe(ca);
  expect(statSync(dirname(file)).mode & 0o077).toBe(0);
  const script = `fetch(process.env.TALKDESK_JWKS_URL).then(({ status }) => console.log(status))`;
  const env = { ...process.env, ...variables, NODE_EXTRA_CA_CERTS: file };
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], { env });
  expect(stdout).toBe("200\n");
});

it("removes the file when it stops", async () => {
  const other = await startEmulator({ tls: true });
  const file = other.certificate?.file ?? "";
  await other.stop();
  expect([existsSync(file), existsSync(dirname(file))]).toEqual([false, false]);
});

it("refuses a Host with another port", async () => {
  const { jwks } = talkdesk.endpoints();
  expect((await send(jwks, { ca, headers: { host: "localhost:1" } })).status).toBe(404);
});

describe("faults", () => {
  it.each(["before", "headers", "body"] as const)("reset the connection %s", async (when) => {
    talkdesk.faults.add({ at: "jwks", reset: when });
    const answer = await send(talkdesk.endpoints().jwks, { ca });
    expect(answer.error?.code).toBe("ECONNRESET");
    expect(answer.status).toBe(when === "before" ? undefined : 200);
  });

  it("close, truncate and refuse, and the log counts connections", async () => {
    const { jwks } = talkdesk.endpoints();
    talkdesk.faults.add({ at: "jwks", lose: true });
    talkdesk.faults.add({ at: "jwks", truncate: 10 });
    talkdesk.faults.add({ at: "jwks", respond: { status: 503 } });
    const answers = [await send(jwks, { ca }), await send(jwks, { ca }), await send(jwks, { ca })];
    expect(answers.map(({ status }) => status)).toEqual([undefined, 200, 503]);
    expect(answers[1]?.bytes).toHaveLength(10);
    const connections = talkdesk.requests.all.map(({ connection }) => connection);
    expect(new Set(connections).size).toBe(3);
    expect(connections).not.toContain(0);
  });
});

it("has no certificate without the option, and refuses anything but a boolean", async () => {
  await using plain = await startEmulator();
  expect(plain.certificate).toBeUndefined();
  expect(plain.environment()).not.toHaveProperty("NODE_EXTRA_CA_CERTS");
  const wrong = startEmulator({ tls: "yes" } as unknown as EmulatorOptions);
  await expect(wrong).rejects.toThrow(new TypeError("tls must be a boolean."));
});
