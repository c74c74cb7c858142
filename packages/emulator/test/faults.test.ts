import { Agent } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { answers, type Emulator, type Fault, startEmulator } from "./support/package-under-test.js";
import { runReport } from "./support/report-file.js";
import {
  exchange,
  logIn,
  makeBasicHeader,
  refresh,
  requestBearer,
  requestToken,
} from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
let echo: string;
let headers: { readonly authorization: string };
beforeAll(async () => {
  talkdesk = await startEmulator();
  echo = `${talkdesk.endpoints().api}/echo`;
  headers = await requestBearer(talkdesk);
});
afterEach(() => {
  talkdesk.faults.clear();
  talkdesk.requests.clear();
});
afterAll(() => talkdesk.stop());

describe("delayMs", () => {
  it("waits, then sends the real answer", async () => {
    talkdesk.faults.add({ at: "token", delayMs: 120 });
    const { status, elapsedMs } = await requestToken(talkdesk);
    expect(status).toBe(200);
    expect(elapsedMs).toBeGreaterThan(100);
  });

  it("waits before another effect", async () => {
    talkdesk.faults.add({ at: "token", delayMs: 120, respond: answers.unavailable() });
    const { status, elapsedMs } = await requestToken(talkdesk);
    expect(status).toBe(503);
    expect(elapsedMs).toBeGreaterThan(100);
  });

  it("handles the request of a client that has gone away, as a slow server does", async () => {
    const { json } = await logIn(talkdesk);
    talkdesk.faults.add({ at: "token", delayMs: 300 });
    talkdesk.requests.clear();
    const client = new AbortController();
    const answer = fetch(talkdesk.endpoints().token, {
      method: "POST",
      headers: { authorization: makeBasicHeader(talkdesk.clients.get()) },
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: json.refresh_token }),
      signal: client.signal,
    });
    await talkdesk.requests.waitFor(() => true);
    client.abort();
    await expect(answer).rejects.toThrow();
    const record = await talkdesk.requests.waitFor(({ aborted }) => aborted);
    expect(record.status).toBeUndefined();
    expect((await refresh(talkdesk, json.refresh_token)).json.error).toBe("invalid_grant");
  });
});

it("hang: reads the request and never answers", async () => {
  talkdesk.faults.add({ at: "api", hang: true });
  const client = new AbortController();
  const answer = fetch(echo, { headers, signal: client.signal });
  await talkdesk.requests.waitFor(() => true);
  client.abort();
  await expect(answer).rejects.toThrow();
  const record = await talkdesk.requests.waitFor(({ aborted }) => aborted);
  expect(record).toMatchObject({ to: "api", status: undefined });
});

describe("reset", () => {
  it("before: nothing arrives", async () => {
    talkdesk.faults.add({ at: "token", reset: "before" });
    const { status, error } = await requestToken(talkdesk);
    expect(status).toBeUndefined();
    expect(error?.code).toBe("ECONNRESET");
    expect(talkdesk.requests.all[0]).toMatchObject({ status: undefined, aborted: false });
  });

  it("headers: the head arrives, the body does not", async () => {
    talkdesk.faults.add({ at: "token", reset: "headers" });
    const { status, bytes, error } = await requestToken(talkdesk);
    expect(status).toBe(200);
    expect(bytes).toHaveLength(0);
    expect(error?.code).toBe("ECONNRESET");
    expect(talkdesk.requests.all[0]?.status).toBeUndefined();
  });

  it("body: half of the body arrives", async () => {
    talkdesk.faults.add({ at: "token", reset: "body" });
    const { headers: answered, bytes, error } = await requestToken(talkdesk);
    expect(bytes.length).toBeGreaterThan(0);
    expect(bytes.length).toBeLessThan(Number(answered["content-length"]));
    expect(error?.code).toBe("ECONNRESET");
  });

  it("resets a connection that has served a request before", async () => {
    talkdesk.faults.add({ at: "api", skip: 1, reset: "before" });
    using agent = makeKeepAliveAgent();
    expect((await send(echo, { headers, agent })).status).toBe(200);
    expect((await send(echo, { headers, agent })).error?.code).toBe("ECONNRESET");
    const [first, second] = talkdesk.requests.to("api");
    expect(second?.connection).toBe(first?.connection);
  });
});

describe("respond", () => {
  it("sends the answer that is given, and does not handle the request", async () => {
    const issued = talkdesk.tokens.count();
    talkdesk.faults.add({
      at: "token",
      respond: {
        status: 502,
        headers: { "content-type": "text/html", "x-a": ["1", "2"] },
        body: "<h1>no</h1>",
      },
    });
    const answer = await requestToken(talkdesk);
    expect([answer.status, answer.text, answer.headers["x-a"]]).toEqual([502, "<h1>no</h1>", "1, 2"]);
    expect(talkdesk.tokens.count()).toBe(issued);
    expect(talkdesk.requests.all[0]?.status).toBe(502);
  });

  it("takes bytes, streams, and functions that return a body each time", async () => {
    async function* pieces(): AsyncGenerator<string | Uint8Array> {
      yield "a";
      yield new Uint8Array([0xff]);
    }
    talkdesk.faults.add({ at: "token", respond: { status: 200, body: new Uint8Array([1, 2]) } });
    talkdesk.faults.add({ at: "token", respond: { status: 200, body: pieces() } });
    talkdesk.faults.add({ at: "token", respond: { status: 200, body: new Blob(["b"]).stream() } });
    talkdesk.faults.add({ at: "token", times: 2, respond: { status: 200, body: () => pieces() } });
    const bodies: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      bodies.push((await requestToken(talkdesk)).bytes.toString("latin1"));
    }
    expect(bodies).toEqual(["\u0001\u0002", "aÿ", "b", "aÿ", "aÿ"]);
  });

  it("sends an endless body for as long as the client reads", async () => {
    let isOver = false;
    async function* endless(): AsyncGenerator<string> {
      try {
        for (;;) yield "x".repeat(65_536);
      } finally {
        isOver = true;
      }
    }
    talkdesk.faults.add({ at: "token", respond: { status: 200, body: endless() } });
    const response = await fetch(talkdesk.endpoints().token, { method: "POST" });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await expect.poll(() => isOver).toBe(true);
  });

  it("early: answers before the body has arrived", async () => {
    talkdesk.faults.add({ at: "api", respond: { ...answers.apiError(401, "0070010", "no"), early: true } });
    let isPulled = false;
    const body = new ReadableStream({
      pull(controller) {
        // The rest never comes.
        if (!isPulled) controller.enqueue(new Uint8Array(10));
        isPulled = true;
      },
    });
    const upload: RequestInit & { duplex: "half" } = { method: "POST", headers, body, duplex: "half" };
    expect((await fetch(echo, upload)).status).toBe(401);
  });

  it.each([204, 304])("answers %i without a body", async (status) => {
    talkdesk.faults.add({ at: "token", respond: answers.empty(status) });
    const answer = await requestToken(talkdesk);
    expect([answer.status, answer.text, answer.error]).toEqual([status, "", undefined]);
  });
});

describe("lose", () => {
  it("uses up a code and closes the connection", async () => {
    const { code } = await talkdesk.authorize();
    talkdesk.faults.add({ at: "token", lose: true });
    const lost = await exchange(talkdesk, code);
    expect([lost.status, lost.error?.code]).toEqual([undefined, "ECONNRESET"]);
    expect((await exchange(talkdesk, code)).json.error).toBe("invalid_grant");
  });

  it("rotates a refresh token and loses the successor", async () => {
    const { json } = await logIn(talkdesk);
    talkdesk.faults.add({ at: "token", lose: true });
    expect((await refresh(talkdesk, json.refresh_token)).status).toBeUndefined();
    expect((await refresh(talkdesk, json.refresh_token)).json.error).toBe("invalid_grant");
  });
});

describe("patch", () => {
  it("merges into the JSON of the answer, and removes what is undefined", async () => {
    talkdesk.faults.add({ at: "token", patch: { expires_in: "60abc", scope: undefined, extra: [1] } });
    const { json } = await requestToken(talkdesk);
    expect(json).toEqual({
      access_token: expect.any(String),
      token_type: "Bearer",
      expires_in: "60abc",
      extra: [1],
    });
  });

  it("rewrites it with a function", async () => {
    talkdesk.faults.add({ at: "token", patch: (body) => [body["token_type"]] });
    expect((await requestToken(talkdesk)).json).toEqual(["Bearer"]);
  });

  it("leaves an answer alone that is not JSON", async () => {
    const file = await runReport(talkdesk);
    talkdesk.faults.add({ at: "files", patch: { a: 1 } });
    expect((await send(file)).text).toMatch(/^call_id,/);
  });

  it("can replace the token by one that the gateway refuses", async () => {
    talkdesk.faults.add({ at: "token", patch: { access_token: "made-up" } });
    const { json } = await requestToken(talkdesk);
    const answer = await send(echo, { headers: { authorization: `Bearer ${json.access_token}` } });
    expect(answer.status).toBe(401);
  });
});

it("dateSkewMs: shifts the Date header", async () => {
  talkdesk.faults.add({ at: "token", dateSkewMs: -600_000 });
  const answer = await requestToken(talkdesk);
  expect(answer.status).toBe(200);
  const skew = Date.parse(answer.headers.date ?? "") - Date.now();
  expect(Math.abs(skew + 600_000)).toBeLessThan(30_000);
});

it("truncate: announces the whole length and sends a part", async () => {
  talkdesk.faults.add({ at: "token", truncate: 10 });
  const { status, headers: answered, bytes, error } = await requestToken(talkdesk);
  expect(status).toBe(200);
  expect(bytes).toHaveLength(10);
  expect(Number(answered["content-length"])).toBeGreaterThan(10);
  expect(error?.code).toBe("ECONNRESET");
  expect(talkdesk.requests.all[0]?.status).toBeUndefined();
});

it("trickle: sends the body in small pieces", async () => {
  talkdesk.faults.add({ at: "api", trickle: { chunkBytes: 20, everyMs: 5 } });
  const answer = await send(echo, { headers });
  expect(answer.status).toBe(200);
  expect(answer.json.method).toBe("GET");
  expect(answer.elapsedMs).toBeGreaterThan(20);
});

describe("when a fault applies", () => {
  async function requestStatuses(count: number): Promise<(number | undefined)[]> {
    const found: (number | undefined)[] = [];
    for (let index = 0; index < count; index += 1) found.push((await requestToken(talkdesk)).status);
    return found;
  }

  it("applies once by default, in the order in which faults were added", async () => {
    talkdesk.faults.add({ at: "token", times: 2, respond: answers.unavailable() });
    talkdesk.faults.add({ at: "token", respond: answers.tooManyRequests(1) });
    expect(await requestStatuses(4)).toEqual([503, 503, 429, 200]);
  });

  it("lets the first requests pass, and counts its hits", async () => {
    const fault = talkdesk.faults.add({ at: "token", skip: 2, times: 1, respond: answers.unavailable() });
    expect(await requestStatuses(2)).toEqual([200, 200]);
    expect(fault.hits).toBe(0);
    expect(await requestStatuses(2)).toEqual([503, 200]);
    expect(fault.hits).toBe(1);
  });

  it("applies until it is removed", async () => {
    const fault = talkdesk.faults.add({ at: "token", times: Infinity, respond: answers.unavailable() });
    expect(await requestStatuses(3)).toEqual([503, 503, 503]);
    fault.remove();
    expect(await requestStatuses(1)).toEqual([200]);
    expect(fault.hits).toBe(3);
  });

  it.each<[string, Partial<Fault>]>([
    ["another region", { match: { region: "eu" } }],
    ["another account", { match: { account: "globex" } }],
    ["another method", { match: { method: "GET" } }],
    ["another path", { match: { path: "/us/acme/oauth" } }],
    ["another path, by expression", { match: { path: /^\/eu\// } }],
    ["another grant", { match: { grantType: "refresh_token" } }],
    ["another Authorization header", { match: { authorization: "Basic" } }],
    ["another place", { at: "api" }],
  ])("does not apply to %s", async (_name, occasion) => {
    talkdesk.faults.add({ at: "token", ...occasion, respond: answers.unavailable() } as Fault);
    expect(await requestStatuses(1)).toEqual([200]);
  });

  it("applies to a request that matches in every respect", async () => {
    const fault: Fault = {
      at: "token",
      times: 2,
      match: {
        region: "us",
        account: "acme",
        method: "post",
        path: "/us/acme/oauth/token",
        grantType: "client_credentials",
        authorization: makeBasicHeader(talkdesk.clients.get()),
      },
      respond: answers.unavailable(),
    };
    talkdesk.faults.add(fault);
    expect(await requestStatuses(3)).toEqual([503, 503, 200]);
  });

  it("distinguishes requests to a gateway by token, path and query", async () => {
    const other = await requestBearer(talkdesk);
    talkdesk.faults.add({
      at: "api",
      times: Infinity,
      match: { path: /^\/echo\?a=1$/g, authorization: headers.authorization, account: "acme" },
      respond: answers.apiError(401, "0070010", "Unauthorized"),
    });
    expect((await send(`${echo}?a=1`, { headers })).status).toBe(401);
    expect((await send(`${echo}?a=1`, { headers })).status).toBe(401);
    expect((await send(`${echo}?a=2`, { headers })).status).toBe(200);
    expect((await send(`${echo}?a=1`, { headers: other })).status).toBe(200);
  });

  it("applies to the other endpoints of the identity host", async () => {
    talkdesk.faults.add({ at: "jwks", match: { region: "eu" }, patch: { keys: [] } });
    talkdesk.faults.add({ at: "authorize", respond: answers.html(503) });
    expect((await send(talkdesk.endpoints().jwks)).json.keys).toHaveLength(2);
    expect((await send(talkdesk.endpoints("acme", "eu").jwks)).json.keys).toEqual([]);
    expect((await send(talkdesk.endpoints().authorize)).status).toBe(503);
  });

  it("applies to downloads from the files host", async () => {
    const file = await runReport(talkdesk);
    talkdesk.faults.add({ at: "files", match: { account: "acme" }, truncate: 5 });
    expect((await send(file)).text).toBe("call_");
    expect((await send(file)).text).toMatch(/\n$/);
  });
});

describe("revokeTokens()", () => {
  it("makes the gateways refuse the tokens issued so far", async () => {
    const old = await requestBearer(talkdesk);
    expect(talkdesk.faults.revokeTokens()).toBeGreaterThan(0);
    expect(talkdesk.faults.revokeTokens()).toBe(0);
    expect((await send(echo, { headers: old })).status).toBe(401);
    headers = await requestBearer(talkdesk);
    expect((await send(echo, { headers })).status).toBe(200);
  });

  it("takes a filter", async () => {
    const client = talkdesk.clients.add();
    const own = await requestBearer(talkdesk, { client });
    expect(talkdesk.faults.revokeTokens({ region: "eu" })).toBe(0);
    expect(talkdesk.faults.revokeTokens({ clientId: client.clientId, region: "us", account: "acme" })).toBe(
      1,
    );
    expect((await send(echo, { headers: own })).status).toBe(401);
    expect((await send(echo, { headers })).status).toBe(200);
    expect(() => talkdesk.faults.revokeTokens({ client: "x" } as object)).toThrow(TypeError);
    expect(() => talkdesk.faults.revokeTokens({ region: "uk" } as object)).toThrow(TypeError);
  });
});

it("closeIdleConnections() closes connections that are kept alive", async () => {
  using agent = makeKeepAliveAgent();
  await send(echo, { headers, agent });
  const closed = new Promise((resolve) => {
    for (const socket of Object.values(agent.freeSockets).flat()) socket?.once("close", resolve);
  });
  talkdesk.faults.closeIdleConnections();
  await closed;
  await send(echo, { headers, agent });
  const [first, second] = talkdesk.requests.to("api");
  expect(second?.connection).not.toBe(first?.connection);
});

function makeKeepAliveAgent(): Agent & Disposable {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return Object.assign(agent, { [Symbol.dispose]: () => agent.destroy() });
}
