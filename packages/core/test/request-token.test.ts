import { getEventListeners } from "node:events";
import { createServer as createHttpsServer } from "node:https";
import { gzipSync } from "node:zlib";
import { clientSecretBasic, type Grant, requestToken, type TalkdeskError } from "@talkdesk-oauth/core";
import { selfSigned } from "@talkdesk-oauth/fixtures";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { leapingClock } from "./support/leaping-clock.js";
import {
  type Answer,
  clientOf,
  endpointsAt,
  eventually,
  failure,
  granted,
  json,
  listening,
  rawEndpoint,
  refusingOrigin,
  rejection,
  reset,
  silence,
  text,
  tokenEndpoint,
} from "./support/token-endpoint.js";

const clientCredentials: Grant = { grant_type: "client_credentials" };
const code: Grant = {
  grant_type: "authorization_code",
  code: "code-1",
  redirect_uri: "https://app.example.com/cb",
};
const refresh: Grant = { grant_type: "refresh_token", refresh_token: "refresh-1" };

/** A fetch that fails as told, then answers with a token; `null` stands for that answer. */
function failingFetch(...faults: readonly (string | null | Response)[]): {
  fetch: typeof fetch;
  calls: number;
} {
  const state = {
    calls: 0,
    async fetch(): Promise<Response> {
      const fault = faults[state.calls] ?? null;
      state.calls += 1;
      if (fault instanceof Response) return fault;
      if (fault === null) return Response.json({ access_token: "token-1" });
      throw new TypeError("fetch failed", { cause: Object.assign(new Error("beneath"), { code: fault }) });
    },
  };
  return state;
}

const nowhere = { endpoints: endpointsAt("http://127.0.0.1:9") };

describe("a request for a token", () => {
  it("is one form, posted to the token endpoint", async () => {
    await using server = await tokenEndpoint(granted);
    await requestToken(clientOf(server), {
      grant_type: "client_credentials",
      scope: "account:read callback:write",
    });
    expect(server.requests).toHaveLength(1);
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: "POST",
      url: "/oauth/token",
      body: "grant_type=client_credentials&scope=account%3Aread+callback%3Awrite",
    });
    expect(request?.headers).toMatchObject({
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
      authorization: `Basic ${Buffer.from("client-1:secret-1").toString("base64")}`,
    });
  });

  it("dates the token from before it was sent", async () => {
    const clock = leapingClock();
    await using server = await tokenEndpoint((response, request) => {
      clock.advance(4_000);
      granted(response, request);
    });
    const sentAt = clock.now();
    const token = await requestToken(clientOf(server, { clock }), clientCredentials);
    expect(token.issuedAt).toBe(sentAt);
    expect(token.expiresAt).toBe(sentAt + 599_000);
  });

  it("dates the token from before the attempt that was answered", async () => {
    const clock = leapingClock();
    await using server = await tokenEndpoint(json(503, {}, { "retry-after": "3" }), granted);
    const startedAt = clock.now();
    const token = await requestToken(clientOf(server, { clock }), clientCredentials);
    expect(token.issuedAt).toBe(startedAt + 3_000);
  });

  it("uses the current global fetch when the client has no fetch", async () => {
    const client = clientOf(nowhere);
    const original = globalThis.fetch;
    onTestFinished(() => {
      globalThis.fetch = original;
    });
    globalThis.fetch = failingFetch().fetch;
    expect((await requestToken(client, clientCredentials)).value).toBe("token-1");
  });

  it("goes through the client's fetch when it has one, and never to be redirected", async () => {
    const seen: [unknown, RequestInit | undefined][] = [];
    const client = clientOf(nowhere, {
      fetch: async (input, init) => {
        seen.push([input, init]);
        return Response.json({ access_token: "token-1" });
      },
    });
    await requestToken(client, clientCredentials);
    expect(seen).toEqual([
      ["http://127.0.0.1:9/oauth/token", expect.objectContaining({ method: "POST", redirect: "manual" })],
    ]);
  });

  it("keeps nothing between calls", async () => {
    await using server = await tokenEndpoint(granted);
    const client = clientOf(server);
    await Promise.all([requestToken(client, clientCredentials), requestToken(client, clientCredentials)]);
    await requestToken(client, clientCredentials);
    expect(server.requests).toHaveLength(3);
  });
});

describe("a redirect", () => {
  it.each([301, 302, 303, 307, 308])("with %d is not followed", async (status) => {
    await using elsewhere = await tokenEndpoint(granted);
    await using server = await tokenEndpoint(
      text(status, "", { location: `${elsewhere.origin}/oauth/token?a=b` }),
    );
    const error = await failure(requestToken(clientOf(server), clientCredentials));
    expect(error).toMatchObject({ code: "token_unexpected_response", status, retryable: false });
    expect(error.message).toContain(`a redirect to ${elsewhere.origin},`);
    expect(server.requests).toHaveLength(1);
    expect(elsewhere.sockets).toEqual([]);
  });

  it("to the same server is not followed either", async () => {
    await using server = await tokenEndpoint(text(307, "", { location: "/oauth/token" }), granted);
    expect((await failure(requestToken(clientOf(server), clientCredentials))).status).toBe(307);
    expect(server.requests).toHaveLength(1);
  });

  it("that a given fetch followed all the same is refused", async () => {
    await using elsewhere = await tokenEndpoint(granted);
    await using server = await tokenEndpoint(text(307, "", { location: `${elsewhere.origin}/oauth/token` }));
    const client = clientOf(server, {
      fetch: (input, init) => fetch(input, { ...init, redirect: "follow" }),
    });
    const error = await failure(requestToken(client, clientCredentials));
    expect(error).toMatchObject({ code: "token_unexpected_response", retryable: false });
    expect(error.message).toContain('must honour redirect: "manual"');
  });

  it("that a browser hides is told as one", async () => {
    const hidden = Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
    const error = await failure(
      requestToken(clientOf(nowhere, { fetch: async () => hidden }), clientCredentials),
    );
    expect(error).toMatchObject({ code: "token_unexpected_response", status: 302 });
  });
});

describe("retries", () => {
  /** Ways in which a connection ends without an answer, after the request was sent. */
  const faults: [string, (socket: import("node:net").Socket) => void][] = [
    ["a reset before the headers", (socket) => void socket.resetAndDestroy()],
    ["an end before the headers", (socket) => void socket.end()],
    [
      "a reset after the headers",
      (socket) => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n");
        setTimeout(() => socket.resetAndDestroy(), 5);
      },
    ],
    [
      "a reset amid the body",
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"access_token":"half');
        setTimeout(() => socket.resetAndDestroy(), 5);
      },
    ],
    [
      "an end amid the body, where it would be whole JSON",
      (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"access_token":"half"}'),
    ],
    [
      "an end amid a chunk",
      (socket) =>
        void socket.end(
          'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n17\r\n{"access_token":"half"}\r\n',
        ),
    ],
    ["an answer that is no HTTP", (socket) => void socket.end("SSH-2.0-fake\r\n")],
  ];
  const body = JSON.stringify({ access_token: "token-1" });
  const answered = (socket: import("node:net").Socket): void =>
    void socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);

  it.each(faults)("client credentials after %s", async (_, fault) => {
    await using server = await rawEndpoint(fault, answered);
    expect((await requestToken(clientOf(server), clientCredentials)).value).toBe("token-1");
    expect(server.requestCount).toBe(2);
  });

  it.each(faults)("client credentials three times at most after %s", async (_, fault) => {
    await using server = await rawEndpoint(fault);
    const error = await failure(requestToken(clientOf(server), clientCredentials));
    expect(error).toMatchObject({ code: "token_network", retryable: true });
    expect(error.message).toContain(server.endpoints.token);
    expect(server.requestCount).toBe(4);
  });

  it.each(faults)("an authorization code never, after %s", async (_, fault) => {
    await using server = await rawEndpoint(fault, answered);
    const error = await failure(requestToken(clientOf(server), code));
    expect(error).toMatchObject({ code: "token_network", retryable: false });
    expect(server.requestCount).toBe(1);
  });

  const [silent, begun] = [0, 1].map((has) =>
    faults.filter(([name]) => Number(/after the headers|amid/.test(name)) === has),
  );

  it.each(silent ?? [])("a refresh token once, after %s", async (_, fault) => {
    await using server = await rawEndpoint(fault, answered);
    expect((await requestToken(clientOf(server), refresh)).value).toBe("token-1");
    expect(server.requestCount).toBe(2);
  });

  it.each(begun ?? [])("no refresh token, after %s: it was replaced by then", async (_, fault) => {
    await using server = await rawEndpoint(fault, answered);
    const error = await failure(requestToken(clientOf(server), refresh));
    expect(error).toMatchObject({ code: "refresh_outcome_unknown", retryable: true });
    expect(error.message).toContain("broke off");
    expect(server.requestCount).toBe(1);
  });

  it("an answer that says later, and breaks off, as one that says later", async () => {
    const busy = (socket: import("node:net").Socket): void =>
      void socket.end("HTTP/1.1 503 Busy\r\ncontent-length: 90\r\nretry-after: 60\r\n\r\n{");
    await using server = await rawEndpoint(busy);
    for (const grant of [clientCredentials, refresh, code]) {
      const error = await failure(requestToken(clientOf(server), grant));
      expect(error).toMatchObject({ code: "token_unavailable", status: 503, retryable: grant !== code });
      expect(error.retryAt).toBeGreaterThan(Date.now());
    }
    expect(server.requestCount).toBe(3);
  });

  it.each(silent ?? [])("a refresh token no more than once, after %s", async (_, fault) => {
    await using server = await rawEndpoint(fault);
    const error = await failure(requestToken(clientOf(server), refresh));
    expect(error).toMatchObject({ code: "refresh_outcome_unknown", retryable: true });
    expect(server.requestCount).toBe(2);
  });

  it("a refresh token with the same one", async () => {
    await using server = await tokenEndpoint(reset, granted);
    await requestToken(clientOf(server), refresh);
    expect(server.requests.map((request) => request.body)).toEqual([
      "grant_type=refresh_token&refresh_token=refresh-1",
      "grant_type=refresh_token&refresh_token=refresh-1",
    ]);
  });

  it.each([429, 500, 502, 503, 504])("client credentials after %d", async (status) => {
    await using server = await tokenEndpoint(text(status, "<html>"), granted);
    expect((await requestToken(clientOf(server), clientCredentials)).value).toBe("token-1");
  });

  it.each([429, 500, 503])("client credentials three times at most after %d", async (status) => {
    await using server = await tokenEndpoint(json(status, {}));
    const error = await failure(requestToken(clientOf(server), clientCredentials));
    expect(error).toMatchObject({ code: "token_unavailable", status, retryable: true });
    expect(server.requests).toHaveLength(4);
  });

  it("the last failure is the one that is told", async () => {
    await using server = await tokenEndpoint(
      json(500, {}),
      reset,
      json(401, { error: "invalid_client" }),
      granted,
    );
    const error = await failure(requestToken(clientOf(server), clientCredentials));
    expect(error).toMatchObject({ code: "client_refused", status: 401 });
    expect(server.requests).toHaveLength(3);
  });

  it.each([429, 503])("no code and no refresh token after %d", async (status) => {
    for (const grant of [code, refresh]) {
      await using server = await tokenEndpoint(json(status, {}), granted);
      const error = await failure(requestToken(clientOf(server), grant));
      expect(error).toMatchObject({ code: "token_unavailable", retryable: grant === refresh });
      expect(server.requests).toHaveLength(1);
    }
  });

  it.each<[string, Answer]>([
    ["400", json(400, { error: "invalid_grant" })],
    ["401", json(401, { error: "invalid_client" })],
    ["403", text(403, "")],
    ["511", text(511, "<html>log in")],
    ["a login page", text(200, "<html>log in", { "content-type": "text/html" })],
    ["a broken token", json(200, { access_token: 7 })],
    ["a token of another type", json(200, { access_token: "t", token_type: "mac" })],
  ])("nothing after %s", async (_, answer) => {
    for (const grant of [clientCredentials, code, refresh]) {
      await using server = await tokenEndpoint(answer, granted);
      expect((await failure(requestToken(clientOf(server), grant))).retryable).toBe(false);
      expect(server.requests).toHaveLength(1);
    }
  });

  it("a request on a connection that the server closed since the last one", async () => {
    await using server = await tokenEndpoint(granted);
    const client = clientOf(server);
    for (let call = 1; call <= 3; call++) {
      await requestToken(client, clientCredentials);
      for (const socket of server.sockets) socket.resetAndDestroy();
    }
    expect(server.requests).toHaveLength(3);
  });

  it("a connection that was refused, whatever was to be sent but a code", async () => {
    const endpoints = endpointsAt(await refusingOrigin());
    for (const [grant, attempts] of [
      [clientCredentials, 4],
      [refresh, 4],
      [code, 1],
    ] as const) {
      let calls = 0;
      const counted: typeof fetch = (input, init) => {
        calls += 1;
        return fetch(input, init);
      };
      const error = await failure(requestToken(clientOf({ endpoints }, { fetch: counted }), grant));
      expect(error).toMatchObject({
        code: "token_network",
        retryable: grant !== code,
        cause: { code: "ECONNREFUSED" },
      });
      expect(error.message).toContain("(ECONNREFUSED)");
      expect(calls).toBe(attempts);
    }
  });

  it("a name that does not resolve", async () => {
    const clock = leapingClock(60_000);
    const endpoints = endpointsAt("https://does-not-exist.invalid");
    const error = await failure(
      requestToken(clientOf({ endpoints }, { clock, timeoutMs: 60_000 }), clientCredentials),
    );
    expect(error).toMatchObject({ code: "token_network", retryable: true });
    expect((error.cause as { code: string }).code).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/);
    expect(clock.waits).toHaveLength(3);
  });

  it("no certificate that is not trusted", async () => {
    let requests = 0;
    const https = createHttpsServer(selfSigned, () => {
      requests += 1;
    });
    https.on("tlsClientError", () => {});
    await using server = await listening(https, "https");
    for (const grant of [clientCredentials, refresh, code]) {
      const error = await failure(requestToken(clientOf(server), grant));
      expect(error).toMatchObject({
        code: "token_network",
        retryable: false,
        cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
      });
      expect(error.message).toContain("certificate");
    }
    expect(server.sockets).toHaveLength(3);
    expect(requests).toBe(0);
  });
});

describe("a refresh token whose outcome is unknown", () => {
  it("stays so when the second try cannot connect", async () => {
    const faulty = failingFetch("ECONNRESET", "ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED");
    const error = await failure(requestToken(clientOf(nowhere, faulty), refresh));
    expect(error.code).toBe("refresh_outcome_unknown");
    expect(faulty.calls).toBeLessThanOrEqual(4);
  });

  it("is tried once more also when a connection was refused before", async () => {
    const faulty = failingFetch("ECONNREFUSED", "ECONNREFUSED", "ECONNRESET");
    expect((await requestToken(clientOf(nowhere, faulty), refresh)).value).toBe("token-1");
    expect(faulty.calls).toBe(4);
  });

  it("is never sent a third time", async () => {
    const faulty = failingFetch("ECONNRESET", "ECONNREFUSED", "ECONNRESET");
    expect((await failure(requestToken(clientOf(nowhere, faulty), refresh))).code).toBe(
      "refresh_outcome_unknown",
    );
    expect(faulty.calls).toBe(3);
  });

  it.each<[string, Answer]>([
    ["invalid_grant", json(400, { error: "invalid_grant" })],
    ["invalid_client", json(401, { error: "invalid_client" })],
    ["a gateway's page", text(502, "<html>")],
    ["a broken token", json(200, { access_token: 7 })],
  ])("stays so when the second try is answered with %s", async (_, answer) => {
    await using server = await tokenEndpoint(reset, answer, granted);
    const error = await failure(requestToken(clientOf(server), refresh));
    expect(error).toMatchObject({ code: "refresh_outcome_unknown", retryable: true });
    expect(server.requests).toHaveLength(2);
  });

  it("tells when to ask again, if the second answer says so", async () => {
    const clock = leapingClock();
    await using server = await tokenEndpoint(reset, json(503, {}, { "retry-after": "7" }));
    const error = await failure(requestToken(clientOf(server, { clock }), refresh));
    expect(error).toMatchObject({ code: "refresh_outcome_unknown", retryAt: clock.now() + 7_000 });
  });

  it("is what a timeout means", async () => {
    await using server = await tokenEndpoint(silence);
    const error = await failure(requestToken(clientOf(server, { timeoutMs: 2_000 }), refresh));
    expect(error).toMatchObject({ code: "refresh_outcome_unknown", retryable: true });
    expect(server.requests).toHaveLength(1);
  });

  it("does not happen for client credentials", async () => {
    const faulty = failingFetch("ECONNRESET", "ECONNRESET", "ECONNRESET", "ECONNRESET");
    expect((await failure(requestToken(clientOf(nowhere, faulty), clientCredentials))).code).toBe(
      "token_network",
    );
  });
});

describe("the waits between attempts", () => {
  it("are full jitter below a bound that doubles from 250 ms to 2 s", async () => {
    const numbers = [0.5, 0.25, 0.999];
    const clock = leapingClock();
    await using server = await tokenEndpoint(json(503, {}));
    const client = clientOf(server, { clock, random: () => numbers.shift() ?? Number.NaN });
    await failure(requestToken(client, clientCredentials));
    expect(clock.waits).toEqual([125, 125, 999]);
    expect(numbers).toEqual([]);
  });

  it("are drawn from Math.random of the moment when the client has no other", async () => {
    const clock = leapingClock();
    await using server = await tokenEndpoint(json(503, {}), granted);
    const { random: _, ...client } = clientOf(server, { clock });
    const random = vi.spyOn(Math, "random").mockReturnValue(0.4);
    onTestFinished(() => random.mockRestore());
    await requestToken(client, clientCredentials);
    expect(clock.waits).toEqual([100]);
  });

  it("are what Retry-After says, when it says something", async () => {
    const clock = leapingClock();
    const soon = new Date(clock.now() + 4_000).toUTCString();
    await using server = await tokenEndpoint(
      json(503, {}, { "retry-after": "2" }),
      json(429, {}, { "retry-after": soon, date: new Date(clock.now()).toUTCString() }),
      json(503, {}, { "retry-after": "soon" }),
      granted,
    );
    await requestToken(clientOf(server, { clock, random: () => 0.5 }), clientCredentials);
    expect(clock.waits).toEqual([2_000, 4_000, 500]);
  });

  it("do not begin when Retry-After lies beyond the deadline: one request, and the time to ask again", async () => {
    const clock = leapingClock();
    await using server = await tokenEndpoint(json(429, {}, { "retry-after": "60" }), granted);
    const error = await failure(requestToken(clientOf(server, { clock }), clientCredentials));
    expect(error).toMatchObject({
      code: "token_unavailable",
      status: 429,
      retryable: true,
      retryAt: clock.now() + 60_000,
    });
    expect(clock.waits).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  it("do not begin when Retry-After lies at the deadline", async () => {
    const clock = leapingClock();
    await using server = await tokenEndpoint(json(503, {}, { "retry-after": "10" }), granted);
    const error = await failure(requestToken(clientOf(server, { clock }), clientCredentials));
    expect(error.retryAt).toBe(clock.now() + 10_000);
    expect(server.requests).toHaveLength(1);
  });

  it("count the time to ask again from the answer", async () => {
    const clock = leapingClock();
    await using server = await tokenEndpoint((response, request) => {
      clock.advance(3_000);
      json(503, {}, { "retry-after": "60" })(response, request);
    });
    const error = await failure(requestToken(clientOf(server, { clock }), clientCredentials));
    expect(error.retryAt).toBe(clock.now() + 60_000);
  });
});

describe("the deadline", () => {
  it.concurrent("ends a call that is never answered, and tears its connection down", async () => {
    await using server = await tokenEndpoint(silence);
    const error = await failure(requestToken(clientOf(server, { timeoutMs: 2_000 }), clientCredentials));
    expect(error).toMatchObject({ code: "token_timeout", retryable: true });
    expect(error.message).toContain("2000 ms");
    expect(server.requests).toHaveLength(1);
    await eventually(() => server.sockets[0]?.destroyed === true);
  });

  it.concurrent("ends a call whose answer never ends", async () => {
    await using server = await tokenEndpoint((response) => {
      response.writeHead(200, { "content-type": "application/json" }).write('{"access_token":"half"');
    });
    const error = await failure(requestToken(clientOf(server, { timeoutMs: 1_000 }), clientCredentials));
    expect(error.code).toBe("token_timeout");
    await eventually(() => server.sockets[0]?.destroyed === true);
  });

  it.concurrent("ends a call whose answer trickles in", async () => {
    await using server = await tokenEndpoint((response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => response.write(" "), 5);
      response.on("close", () => clearInterval(drip));
    });
    const error = await failure(requestToken(clientOf(server, { timeoutMs: 1_000 }), clientCredentials));
    expect(error.code).toBe("token_timeout");
  });

  it.concurrent("holds for all attempts together", async () => {
    await using server = await tokenEndpoint(json(503, {}), silence);
    // The pause before the second attempt: a second.
    const random = (): number => 4;
    // If the deadline were for each attempt, this timer would come first, however busy the machine is.
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
    }, 3_500);
    const error = await failure(
      requestToken(clientOf(server, { timeoutMs: 3_000, random }), clientCredentials),
    );
    clearTimeout(late);
    expect(isLate).toBe(false);
    expect(error.code).toBe("token_timeout");
    expect(server.requests).toHaveLength(2);
  });

  it.concurrent("is no reason to send a code again", async () => {
    await using server = await tokenEndpoint(silence);
    const error = await failure(requestToken(clientOf(server, { timeoutMs: 2_000 }), code));
    expect(error).toMatchObject({ code: "token_timeout", retryable: false });
    expect(server.requests).toHaveLength(1);
  });

  it("holds for a fetch that does not listen", async () => {
    const client = clientOf(nowhere, { timeoutMs: 60, fetch: () => new Promise(() => {}) });
    expect((await failure(requestToken(client, clientCredentials))).code).toBe("token_timeout");
  });

  it("that comes during a wait ends the call with the failure before it", async () => {
    const clock = leapingClock();
    await using server = await tokenEndpoint((response, request) => {
      clock.advance(9_000);
      json(503, {}, { "retry-after": "6" })(response, request);
    });
    // As while a machine sleeps: timers fire, and this clock has not moved.
    const client = clientOf(server, { clock: { ...clock, monotonic: () => 0 } });
    const error = await failure(requestToken(client, clientCredentials));
    expect(error).toMatchObject({ code: "token_unavailable", status: 503 });
    expect(server.requests).toHaveLength(1);
  });

  it("follows fake timers, since the platform's clocks are looked up per call", async () => {
    const client = clientOf(nowhere, { fetch: () => new Promise(() => {}) });
    vi.useFakeTimers({ now: 1_000 });
    onTestFinished(() => void vi.useRealTimers());
    const call = failure(requestToken(client, clientCredentials));
    await vi.advanceTimersByTimeAsync(9_999);
    expect(await Promise.race([call, "waiting"])).toBe("waiting");
    await vi.advanceTimersByTimeAsync(1);
    expect((await call).code).toBe("token_timeout");
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the size of an answer", () => {
  it("is limited while it arrives, and the connection is torn down", async () => {
    let written = 0;
    const chunk = Buffer.alloc(65_536, "x");
    await using server = await tokenEndpoint((response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": 100_000_000 });
      const send = (): void => {
        while (!response.destroyed && written < 100_000_000) {
          written += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", send);
        }
      };
      send();
    });
    const error = await failure(requestToken(clientOf(server), clientCredentials));
    expect(error).toMatchObject({ code: "response_too_large", status: 200, retryable: false });
    await eventually(() => server.sockets[0]?.destroyed === true);
    // The bytes that the kernel's buffers hold besides those that were read.
    expect(written).toBeLessThan(20_000_000);
    expect(server.requests).toHaveLength(1);
  });

  it.each([200, 302, 401, 503])("counts with status %d too", async (status) => {
    await using server = await tokenEndpoint(text(status, Buffer.alloc(300_000, " ")));
    expect(await failure(requestToken(clientOf(server), clientCredentials))).toMatchObject({
      code: "response_too_large",
      status,
    });
    expect(server.requests).toHaveLength(1);
  });

  it("counts after decompression", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, " "));
    expect(bomb.length).toBeLessThan(100_000);
    await using server = await tokenEndpoint(
      text(200, bomb, { "content-type": "application/json", "content-encoding": "gzip" }),
    );
    expect((await failure(requestToken(clientOf(server), clientCredentials))).code).toBe(
      "response_too_large",
    );
  });

  it("may be compressed", async () => {
    const answer = gzipSync(JSON.stringify({ access_token: "token-z" }));
    await using server = await tokenEndpoint(text(200, answer, { "content-encoding": "gzip" }));
    expect((await requestToken(clientOf(server), clientCredentials)).value).toBe("token-z");
  });

  it("refuses compressed data that is cut short or malformed", async () => {
    const answer = gzipSync(JSON.stringify({ access_token: "t".repeat(500), padding: "p".repeat(500) }));
    for (const body of [answer.subarray(0, answer.length - 20), Buffer.from("not compressed")]) {
      await using server = await tokenEndpoint(
        text(200, body, { "content-type": "application/json", "content-encoding": "gzip" }),
      );
      const error = await failure(requestToken(clientOf(server), clientCredentials));
      expect(error).toMatchObject({ code: "token_malformed", retryable: false });
      expect(server.requests).toHaveLength(1);
    }
  });
});

describe("a caller's signal", () => {
  const reason = { why: "the caller went away" };

  /** Aborts when told, and checks that nothing is left behind. */
  async function abortedCall(
    options: Parameters<typeof clientOf>[1],
    server: Parameters<typeof clientOf>[0],
    abortWhen: (abort: () => void) => void,
  ): Promise<void> {
    const timeoutMs = 5_000;
    const clock = leapingClock(0);
    const controller = new AbortController();
    const client = clientOf(server, { timeoutMs, clock, ...options });
    const call = rejection(requestToken(client, clientCredentials, { signal: controller.signal }));
    abortWhen(() => controller.abort(reason));
    expect(await call).toBe(reason);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    expect(clock.timerCount).toBe(0);
  }

  it("that is aborted already stops the call before anything happens", async () => {
    await using server = await tokenEndpoint(granted);
    let proofs = 0;
    const authentication = () => {
      proofs += 1;
    };
    const signal = AbortSignal.abort(reason);
    expect(
      await rejection(requestToken(clientOf(server, { authentication }), clientCredentials, { signal })),
    ).toBe(reason);
    expect(proofs).toBe(0);
    expect(server.sockets).toEqual([]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("stops the wait for credentials", async () => {
    await using server = await tokenEndpoint(granted);
    const authentication = clientSecretBasic({
      clientId: "i",
      clientSecret: () => new Promise<string>(() => {}),
    });
    await abortedCall({ authentication }, server, (abort) => setImmediate(abort));
    expect(server.sockets).toEqual([]);
  });

  it("that aborts while credentials fail still gives its own reason", async () => {
    const controller = new AbortController();
    const authentication = () => {
      controller.abort(reason);
      throw new Error("stopped");
    };
    const call = requestToken(clientOf(nowhere, { authentication }), clientCredentials, {
      signal: controller.signal,
    });
    expect(await rejection(call)).toBe(reason);
  });

  it("stops the wait for an answer, and tears the connection down", async () => {
    await using server = await tokenEndpoint(silence);
    await abortedCall({}, server, (abort) => void eventually(() => server.requests.length === 1).then(abort));
    await eventually(() => server.sockets[0]?.destroyed === true);
    expect(server.requests).toHaveLength(1);
  });

  it("stops the wait for the rest of an answer", async () => {
    let isUnderWay = false;
    await using server = await tokenEndpoint((response) => {
      response.writeHead(200).write("{", () => {
        isUnderWay = true;
      });
    });
    await abortedCall(
      {},
      server,
      (abort) => void eventually(() => isUnderWay).then(() => setTimeout(abort, 20)),
    );
    await eventually(() => server.sockets[0]?.destroyed === true);
  });

  it("stops the wait before another attempt", async () => {
    await using server = await tokenEndpoint(json(503, {}, { "retry-after": "3" }), granted);
    await abortedCall(
      {},
      server,
      (abort) => void eventually(() => server.requests.length === 1).then(() => setTimeout(abort, 30)),
    );
    expect(server.requests).toHaveLength(1);
  });

  it("stops the wait for a fetch that does not listen", async () => {
    await abortedCall({ fetch: () => new Promise(() => {}) }, nowhere, (abort) => setImmediate(abort));
  });

  it("that aborts without a reason gives the platform's", async () => {
    const controller = new AbortController();
    const client = clientOf(nowhere, { fetch: () => new Promise(() => {}) });
    const call = requestToken(client, clientCredentials, { signal: controller.signal });
    controller.abort();
    expect(await rejection(call)).toMatchObject({ name: "AbortError" });
  });

  it("that times out gives its own reason, not our timeout", async () => {
    await using server = await tokenEndpoint(silence);
    const signal = AbortSignal.timeout(30);
    const call = requestToken(clientOf(server), clientCredentials, { signal });
    expect(await rejection(call)).toBe(signal.reason);
  });

  it.each<[string, Answer]>([
    ["a token", granted],
    ["a failure", json(401, {})],
  ])("has no listener, and no timer runs, after %s", async (_, answer) => {
    await using server = await tokenEndpoint(answer);
    const clock = leapingClock();
    const { signal } = new AbortController();
    await requestToken(clientOf(server, { clock }), clientCredentials, { signal }).catch(
      (error: TalkdeskError) => {
        expect(error.code).toBe("client_refused");
      },
    );
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(clock.timerCount).toBe(0);
  });

  it("that aborts after the token came changes nothing", async () => {
    await using server = await tokenEndpoint(granted);
    const controller = new AbortController();
    const token = await requestToken(clientOf(server), clientCredentials, { signal: controller.signal });
    controller.abort();
    expect(token.value).toBe("token-1");
  });

  it("ends one call and no other", async () => {
    await using server = await tokenEndpoint((response, request) => {
      setTimeout(() => granted(response, request), 40);
    });
    const client = clientOf(server);
    const controller = new AbortController();
    const stopped = rejection(requestToken(client, clientCredentials, { signal: controller.signal }));
    const other = requestToken(client, clientCredentials);
    await eventually(() => server.requests.length === 2);
    controller.abort(reason);
    expect(await stopped).toBe(reason);
    expect((await other).value).toBe("token-1");
  });

  it("may be shared by many calls without a warning", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    onTestFinished(() => void process.off("warning", onWarning));
    await using server = await tokenEndpoint(granted);
    const { signal } = new AbortController();
    const client = clientOf(server);
    await Promise.all(Array.from({ length: 20 }, () => requestToken(client, clientCredentials, { signal })));
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});
