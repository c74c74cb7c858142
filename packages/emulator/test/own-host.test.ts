import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { runReport } from "./support/report-file.js";
import { requestBearer } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
let urls: Readonly<Record<string, string>>;
let headers: { readonly authorization: string };
beforeAll(async () => {
  talkdesk = await startEmulator();
  headers = await requestBearer(talkdesk);
  const { jwks, api } = talkdesk.endpoints();
  urls = { identity: jwks, gateway: `${api}/users`, files: await runReport(talkdesk) };
});
beforeEach(() => talkdesk.requests.clear());
afterAll(() => talkdesk.stop());

describe.each(["identity", "gateway", "files"])("the %s host", (name) => {
  const getUrl = (): string => urls[name] ?? "";
  const getPort = (): string => new URL(getUrl()).port;
  const sendTo = (host: string) => send(getUrl(), { headers: { ...(name === "gateway" && headers), host } });

  it.each([
    ["of a web page", () => `app.example:${getPort()}`],
    ["of the real service", () => "acme.talkdeskid.com"],
    ["that begins like its own name", () => `127.0.0.1.app.example:${getPort()}`],
    ["that ends like its own name", () => `app.example@127.0.0.1:${getPort()}`],
    ["with another port", () => "127.0.0.1:1"],
    ["without a port", () => "localhost"],
  ])("refuses a Host %s", async (_name, host) => {
    const answer = await sendTo(host());
    expect(answer.status).toBe(404);
    expect(answer.text).toContain("names another host");
    expect(talkdesk.requests.all.map(({ to, status }) => [to, status])).toEqual([["other", 404]]);
  });

  it.each(["127.0.0.1", "localhost", "LocalHost", "[::1]"])("answers to %s", async (host) => {
    expect((await sendTo(`${host}:${getPort()}`)).status).toBe(200);
  });

  it("refuses two Host headers", async () => {
    const { pathname, search, hostname } = new URL(getUrl());
    const socket = connect(Number(getPort()), hostname);
    const own = `Host: ${hostname}:${getPort()}`;
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\n${own}\r\n${own}\r\nConnection: close\r\n\r\n`);
    let text = "";
    for await (const chunk of socket) text += chunk;
    expect(text).toMatch(/^HTTP\/1\.1 40[04] /);
  });

  it("applies no fault to a request for another host", async () => {
    const at = ({ identity: "jwks", gateway: "api", files: "files" } as const)[name as "identity"];
    const fault = talkdesk.faults.add({ at, respond: { status: 503 } });
    expect((await sendTo("app.example")).status).toBe(404);
    expect(fault.hits).toBe(0);
    fault.remove();
  });
});
