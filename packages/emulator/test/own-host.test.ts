import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { bearer } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
let addresses: Readonly<Record<string, string>>;
let headers: { readonly authorization: string };
beforeAll(async () => {
  talkdesk = await startEmulator();
  headers = await bearer(talkdesk);
  const { jwks, api } = talkdesk.endpoints();
  addresses = { identity: jwks, gateway: `${api}/users`, files: await fileAddress() };
});
beforeEach(() => talkdesk.requests.clear());
afterAll(() => talkdesk.stop());

async function fileAddress(): Promise<string> {
  const { api } = talkdesk.endpoints();
  const jobs = `${api}/data/reports/calls/jobs`;
  const json = { ...headers, "content-type": "application/json" };
  const { job } = (await send(jobs, { method: "POST", headers: json, body: "{}" })).json;
  let answer = await send(`${jobs}/${job.id}`, { headers });
  while (answer.status === 200) answer = await send(`${jobs}/${job.id}`, { headers });
  const file = await send(answer.headers.location ?? "", { headers });
  return file.headers.location ?? "";
}

describe.each(["identity", "gateway", "files"])("the %s host", (name) => {
  const address = (): string => addresses[name] ?? "";
  const port = (): string => new URL(address()).port;
  const sent = (host: string) => send(address(), { headers: { ...(name === "gateway" && headers), host } });

  it.each([
    ["of a web page", () => `app.example:${port()}`],
    ["of the real service", () => "acme.talkdeskid.com"],
    ["that begins like its own", () => `127.0.0.1.app.example:${port()}`],
    ["that ends like its own", () => `app.example@127.0.0.1:${port()}`],
    ["with another port", () => "127.0.0.1:1"],
    ["without a port", () => "localhost"],
  ])("refuses a Host %s", async (_name, host) => {
    const answer = await sent(host());
    expect(answer.status).toBe(404);
    expect(answer.text).toContain("names another host");
    expect(talkdesk.requests.all.map(({ to, status }) => [to, status])).toEqual([["other", 404]]);
  });

  it.each(["127.0.0.1", "localhost", "LocalHost", "[::1]"])("answers to %s", async (host) => {
    expect((await sent(`${host}:${port()}`)).status).toBe(200);
  });

  it("refuses two Host headers", async () => {
    const { pathname, search, hostname } = new URL(address());
    const socket = connect(Number(port()), hostname);
    const own = `Host: ${hostname}:${port()}`;
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\n${own}\r\n${own}\r\nConnection: close\r\n\r\n`);
    let text = "";
    for await (const chunk of socket) text += chunk;
    expect(text).toMatch(/^HTTP\/1\.1 40[04] /);
  });

  it("keeps its faults for requests that are meant for it", async () => {
    const at = ({ identity: "jwks", gateway: "api", files: "files" } as const)[name as "identity"];
    const fault = talkdesk.faults.add({ at, respond: { status: 503 } });
    expect((await sent("app.example")).status).toBe(404);
    expect(fault.hits).toBe(0);
    fault.remove();
  });
});
