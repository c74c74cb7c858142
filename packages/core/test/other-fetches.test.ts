import { Readable } from "node:stream";
import {
  accessToken,
  clientCredentials,
  clientSecretBasic,
  type FetchFunction,
  type FetchResponse,
  finishAuthorization,
  type Grant,
  memoryStore,
  requestToken,
  sendAuthorized,
  startAuthorization,
  type TokenEvent,
  type TokenStore,
  userSession,
} from "@talkdesk-oauth/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { clientOf, endpointsAt, failure, rejection } from "./support/token-endpoint.js";

const nowhere = { endpoints: endpointsAt("http://127.0.0.1:9") };
const grants: [string, Grant][] = [
  ["client credentials", { grant_type: "client_credentials" }],
  ["a refresh token", { grant_type: "refresh_token", refresh_token: "refresh-1" }],
  ["a code", { grant_type: "authorization_code", code: "code-1", redirect_uri: "https://app.example/cb" }],
];

const TEXT = JSON.stringify({ access_token: "tökén-1".replace(/[öé]/g, "o"), note: "é", expires_in: 599 });
const BYTES = new TextEncoder().encode(TEXT);

/** A `fetch` that answers with what is no platform's Response, and counts. */
function fetchOf(...answers: readonly (() => unknown)[]): { fetch: FetchFunction; calls: number } {
  const state = {
    calls: 0,
    async fetch(): Promise<FetchResponse> {
      state.calls += 1;
      return answers[Math.min(state.calls, answers.length) - 1]?.() as FetchResponse;
    },
  };
  return state;
}

const answer = (members: object): object => ({
  status: 200,
  headers: new Headers({ "content-type": "application/json" }),
  ...members,
});
const throws = (error: unknown) => async (): Promise<never> => {
  throw error;
};
const network = (): Error => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

describe("the answer of a fetch that is not the platform's", () => {
  it.each<[string, () => object]>([
    [
      "a stream of Node, as node-fetch has it",
      () => answer({ body: Readable.from([BYTES.subarray(0, 5), BYTES.subarray(5)]) }),
    ],
    ["a stream of Node with text", () => answer({ body: Readable.from([TEXT.slice(0, 9), TEXT.slice(9)]) })],
    [
      "an async iterable of Buffers",
      () =>
        answer({
          body: (async function* () {
            yield Buffer.from(TEXT);
          })(),
        }),
    ],
    [
      "an async iterable of ArrayBuffers",
      () =>
        answer({
          body: (async function* () {
            yield BYTES.slice().buffer;
          })(),
        }),
    ],
    ["arrayBuffer() alone", () => answer({ arrayBuffer: async () => BYTES.slice().buffer })],
    ["arrayBuffer() that gives a Buffer", () => answer({ arrayBuffer: async () => Buffer.from(TEXT) })],
    ["text() alone", () => answer({ text: async () => TEXT })],
    [
      "a body that is no stream, and text()",
      () => answer({ body: { some: "thing" }, text: async () => TEXT }),
    ],
    ["json() alone, as test doubles have it", () => answer({ ok: true, json: async () => JSON.parse(TEXT) })],
    ["no headers", () => ({ status: 200, text: async () => TEXT })],
    [
      "headers in a plain object",
      () => ({ status: 200, headers: { "Content-Type": "application/json" }, text: async () => TEXT }),
    ],
  ])("is read: %s", async (_, give) => {
    for (const [, grant] of grants) {
      const once = fetchOf(give);
      const token = await requestToken(clientOf(nowhere, once), grant);
      expect(token).toMatchObject({ value: "tokon-1", expiryAssumed: false, extra: { note: "é" } });
      expect(once.calls).toBe(1);
    }
  });

  it.each<[string, () => object, RegExp]>([
    [
      "has no way to be read",
      () => answer({ body: { pipeTo() {} } }),
      /neither a stream as its body nor arrayBuffer\(\) or text\(\)/,
    ],
    ["has nothing", () => ({ status: 200 }), /neither a stream/],
    [
      "is locked",
      () => {
        const response = new Response(TEXT);
        response.body?.getReader();
        return response;
      },
      /its body is locked/,
    ],
    [
      "was read by a wrapper",
      () => answer({ bodyUsed: true, text: throws(new TypeError("Body is unusable")) }),
      /its body was read before/,
    ],
    [
      "rejects when it is read",
      () => answer({ arrayBuffer: throws(new TypeError("not a function")) }),
      /its body could not be read/,
    ],
    [
      "rejects when it is parsed",
      () => answer({ json: throws(new SyntaxError("no JSON")) }),
      /its body could not be read/,
    ],
    [
      "consists of objects",
      () => answer({ body: Readable.from([{ access_token: "t" }]) }),
      /something else than bytes/,
    ],
  ])("that %s fails at once, and nothing is sent again", async (_, give, words) => {
    for (const [, grant] of grants) {
      const once = fetchOf(give);
      const error = await failure(requestToken(clientOf(nowhere, once), grant));
      expect(error).toMatchObject({ code: "token_unexpected_response", retryable: false, status: 200 });
      expect(error.message).toMatch(words);
      expect(once.calls).toBe(1);
    }
  });

  it("keeps the cause of what could not be read", async () => {
    const once = fetchOf(() => answer({ arrayBuffer: throws(new TypeError("no such thing, refresh-1")) }));
    const error = await failure(requestToken(clientOf(nowhere, once), grants[1]?.[1] as Grant));
    expect(error.cause).toMatchObject({ name: "TypeError", message: "no such thing, ***" });
  });

  it.each<[string, () => object]>([
    ["arrayBuffer()", () => answer({ arrayBuffer: throws(network()) })],
    ["text()", () => answer({ text: throws(Object.assign(new Error("aborted"), { cause: network() })) })],
    [
      "a stream of Node",
      () =>
        answer({
          body: Readable.from(
            (async function* () {
              yield "{";
              throw network();
            })(),
          ),
        }),
    ],
  ])("that breaks off is a fault of the network: %s", async (_, give) => {
    for (const [, grant] of grants) {
      const twice = fetchOf(give, () => answer({ text: async () => TEXT }));
      const call = requestToken(clientOf(nowhere, twice), grant);
      if (grant.grant_type === "client_credentials") {
        expect((await call).value).toBe("tokon-1");
        expect(twice.calls).toBe(2);
        continue;
      }
      const code = grant.grant_type === "refresh_token" ? "refresh_outcome_unknown" : "token_network";
      expect((await failure(call)).code).toBe(code);
      expect(twice.calls).toBe(1);
    }
  });

  it.each([429, 503])("with %d says to wait, even if it cannot be read", async (status) => {
    const once = fetchOf(() => ({ status, headers: new Headers({ "retry-after": "60" }) }));
    const error = await failure(requestToken(clientOf(nowhere, once), { grant_type: "client_credentials" }));
    expect(error).toMatchObject({ code: "token_unavailable", status, retryAt: expect.any(Number) });
    expect(once.calls).toBe(1);
  });

  it.each<[string, () => object]>([
    [
      "a stream of Node",
      () => answer({ body: Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(65_536, " "))) }),
    ],
    ["arrayBuffer()", () => answer({ arrayBuffer: async () => new ArrayBuffer(300_000) })],
    ["text()", () => answer({ text: async () => " ".repeat(300_000) })],
  ])("is limited in size: %s", async (_, give) => {
    const body = give() as { body?: Readable };
    const once = fetchOf(() => body);
    const error = await failure(requestToken(clientOf(nowhere, once), { grant_type: "client_credentials" }));
    expect(error.code).toBe("response_too_large");
    if (body.body !== undefined) expect(body.body.destroyed).toBe(true);
  });

  it("that was redirected is refused, and its body is cancelled", async () => {
    const body = Readable.from(["x"]);
    for (const redirected of [body, { cancel: throws(new Error("no")) }, null, undefined]) {
      const once = fetchOf(() => answer({ redirected: true, body: redirected }));
      const error = await failure(
        requestToken(clientOf(nowhere, once), { grant_type: "client_credentials" }),
      );
      expect(error.message).toContain('must honour redirect: "manual"');
      expect(once.calls).toBe(1);
    }
    expect(body.destroyed).toBe(true);
  });

  it("keeps a session whose refresh it answers", async () => {
    const text = JSON.stringify({ access_token: "t-2", refresh_token: "refresh-2", expires_in: 599 });
    const once = fetchOf(() => answer({ text: async () => text }));
    const token = accessToken({ value: "t-1", issuedAt: 1, expiresAt: 2, refreshToken: "refresh-1" });
    await using session = userSession(clientOf(nowhere, once), { key: "k", token });
    expect(await session.getToken()).toMatchObject({ value: "t-2", refreshToken: "refresh-2" });
    expect(once.calls).toBe(1);
  });
});

describe("a cache beneath fetch", () => {
  afterEach(() => void vi.unstubAllGlobals());

  /** The cache option of each request of a login: the exchange of the code, and the keys. */
  async function cacheModes(): Promise<unknown[]> {
    const modes: unknown[] = [];
    const fetch: FetchFunction = async (_, init) => {
      modes.push([init.method, "cache" in init ? init.cache : "absent"]);
      return init.method === "POST"
        ? Response.json({ access_token: "t", id_token: "eyJhbGciOiJFUzI1NiJ9.e30.AAAA" })
        : Response.json({ keys: [] });
    };
    const client = clientOf(nowhere, { fetch });
    const pending = await startAuthorization(client, {
      redirectUri: "https://app.example/cb",
      scope: "openid",
    });
    await failure(finishAuthorization(client, `?code=c&state=${pending.state}`, pending));
    return modes;
  }

  it("is told to keep nothing, of a token or of keys", async () => {
    const modes = await cacheModes();
    expect(modes.length).toBeGreaterThanOrEqual(2);
    expect(new Set(modes.map(String))).toEqual(new Set(["POST,no-store", "GET,no-store"]));
  });

  it.each<[string, unknown]>([
    ["has no Request", undefined],
    ["has a Request without a cache, and rejects requests that name one", class {}],
  ])("is not spoken of where the runtime %s", async (_, Request) => {
    vi.stubGlobal("Request", Request);
    expect(new Set((await cacheModes()).map(String))).toEqual(new Set(["POST,absent", "GET,absent"]));
  });
});

describe("an error that a framework throws to control its rendering", () => {
  const marked = (members: object): unknown => Object.assign(new Error("steered"), members);
  const STEERING: [string, unknown][] = [
    ["DYNAMIC_SERVER_USAGE", marked({ digest: "DYNAMIC_SERVER_USAGE" })],
    ["a redirect", marked({ digest: "NEXT_REDIRECT;replace;/login;307;" })],
    ["a page that is not found", marked({ digest: "NEXT_HTTP_ERROR_FALLBACK;404" })],
    ["a promise that hangs", marked({ digest: "HANGING_PROMISE_REJECTION" })],
    ["a bail-out to the client", marked({ digest: "BAILOUT_TO_CLIENT_SIDE_RENDERING" })],
    ["an interrupted rendering", marked({ digest: "NEXT_PRERENDER_INTERRUPTED" })],
    ["a bail-out of static rendering", marked({ code: "NEXT_STATIC_GEN_BAILOUT" })],
    ["a postponed part", marked({ $$typeof: Symbol.for("react.postpone") })],
    [
      "one that was wrapped",
      new Error("fetch failed", { cause: marked({ digest: "DYNAMIC_SERVER_USAGE" }) }),
    ],
  ];

  it.each(STEERING)("passes through as it is, and nothing is tried again: %s", async (_, steering) => {
    for (const [, grant] of grants) {
      const once = fetchOf(() => {
        throw steering;
      });
      expect(await rejection(requestToken(clientOf(nowhere, once), grant))).toBe(steering);
      expect(once.calls).toBe(1);
    }
  });

  const [[, steering]] = STEERING as [[string, unknown]];

  it("passes through a source to all waiting callers, and does not count as a failure", async () => {
    const events: TokenEvent[] = [];
    const steered = fetchOf(() => {
      throw steering;
    });
    const source = clientCredentials(clientOf(nowhere, steered), {
      onEvent: (event) => void events.push(event),
    });
    for (let call = 1; call <= 8; call++) {
      const waits = await Promise.all([rejection(source.getToken()), rejection(source.getToken())]);
      expect(waits).toEqual([steering, steering]);
      expect(steered.calls).toBe(call);
    }
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(["token_requested"]));
  });

  it("gives way to a token that is still valid", async () => {
    const events: string[] = [];
    const fetch = fetchOf(
      () => Response.json({ access_token: "t-1", expires_in: 1_000 }),
      () => {
        throw steering;
      },
    );
    const source = clientCredentials(clientOf(nowhere, fetch), {
      onEvent: ({ type }) => void events.push(type),
    });
    const token = await source.getToken();
    expect(await rejection(source.getToken({ rejected: token }))).toBe(steering);
    expect((await source.getToken()).value).toBe("t-1");
    expect(events).not.toContain("token_failed");
  });

  it("passes through an adapter in place of the refused answer", async () => {
    let isFreed = false;
    const call = sendAuthorized(
      {
        api: "https://api.example",
        getToken: async (request) => {
          if (request?.rejected !== undefined) throw steering;
          return accessToken({ value: "t-1", expiresAt: Date.now() + 60_000 });
        },
      },
      {
        send: async () => 401,
        isRefusal: () => true,
        method: "GET",
        isReplayable: true,
        discard: () => {
          isFreed = true;
        },
      },
    );
    expect(await rejection(call)).toBe(steering);
    expect(isFreed).toBe(true);
  });

  it("passes through from a function that looks a secret up", async () => {
    const authentication = clientSecretBasic({ clientId: "i", clientSecret: throws(steering) });
    const source = clientCredentials(clientOf(nowhere, { authentication }));
    expect(await rejection(source.getToken())).toBe(steering);
  });

  const TOKEN = accessToken({ value: "t-1", issuedAt: 1, expiresAt: 2, refreshToken: "refresh-1" });

  it.each(["read", "write", "lock"] as const)(
    "passes through from a store that asks over fetch: %s",
    async (verb) => {
      const store: TokenStore = { ...memoryStore(), [verb]: throws(steering) };
      const source = userSession(clientOf(nowhere), { store, key: "k", token: TOKEN });
      expect(await rejection(source.getToken())).toBe(steering);
      const shared = clientCredentials(
        clientOf(
          nowhere,
          fetchOf(() => Response.json({ access_token: "t" })),
        ),
        {
          store: { ...memoryStore(), [verb]: throws(steering) },
          key: "k",
        },
      );
      expect(await rejection(shared.getToken())).toBe(steering);
    },
  );

  it("leaves no mark of an attempt with a session's refresh token", async () => {
    const fetch = fetchOf(
      () => {
        throw steering;
      },
      () => Response.json({ error: "invalid_grant" }, { status: 400 }),
    );
    const session = userSession(clientOf(nowhere, fetch), { key: "k", token: TOKEN });
    expect(await rejection(session.getToken())).toBe(steering);
    // A mark would make this refresh_outcome_unknown.
    expect((await failure(session.getToken())).code).toBe("reauthentication_required");
  });

  it("passes through a login, from the exchange and from the keys", async () => {
    for (const method of ["POST", "GET"]) {
      const client = clientOf(nowhere, {
        fetch: async (_, init) => {
          if (init.method === method) throw steering;
          return Response.json({ access_token: "t", id_token: "eyJhbGciOiJFUzI1NiJ9.e30.AAAA" });
        },
      });
      const pending = await startAuthorization(client, {
        redirectUri: "https://app.example/cb",
        scope: "openid",
      });
      expect(await rejection(finishAuthorization(client, `?code=c&state=${pending.state}`, pending))).toBe(
        steering,
      );
    }
  });

  it.each<[string, unknown]>([
    ["an error with React's hash for a digest", marked({ digest: "1234567890" })],
    ["an error with a code", marked({ code: "ECONNRESET" })],
    ["an error without marks", new TypeError("fetch failed")],
  ])("is not %s", async (_, error) => {
    const failing = fetchOf(() => {
      throw error;
    });
    const { code } = await failure(
      requestToken(clientOf(nowhere, failing), { grant_type: "client_credentials" }),
    );
    expect(code).toBe("token_network");
    expect(failing.calls).toBe(4);
  });
});
