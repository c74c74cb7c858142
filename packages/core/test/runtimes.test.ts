import { webcrypto } from "node:crypto";
import { runInNewContext } from "node:vm";
import {
  accessToken,
  type ClosableTokenSource,
  captureBody,
  clientCredentials,
  clientSecretBasic,
  finishAuthorization,
  memoryStore,
  privateKeyJwt,
  startAuthorization,
  type TokenEvent,
  talkdeskClient,
  userSession,
} from "@talkdesk-oauth/core";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { rejection } from "./support/token-endpoint.js";

/** Replaces a global until the test ends. */
function replaceGlobal(name: string, replacement: PropertyDescriptor): void {
  const original = Object.getOwnPropertyDescriptor(globalThis, name);
  if (original === undefined) throw new Error(`There is no global ${name}.`);
  onTestFinished(() => void Object.defineProperty(globalThis, name, original));
  Object.defineProperty(globalThis, name, { configurable: true, ...replacement });
}

const fail = (): never => {
  throw new Error("not available in this runtime");
};
const hostile = (): object =>
  new Proxy(Object.create(null), { get: fail, has: fail, getOwnPropertyDescriptor: fail });

let count = 0;
const grantToken: typeof fetch = async () => {
  count += 1;
  return Response.json({
    access_token: `at-${count}`,
    token_type: "bearer",
    expires_in: 599,
    refresh_token: `rt-${count}`,
  });
};

const client = talkdeskClient({
  account: "acme",
  authentication: clientSecretBasic({ clientId: "client-1", clientSecret: "secret-1" }),
  fetch: grantToken,
});

/** A token, another one for it, and what was told of them. */
async function usedSource(open: (onEvent: (event: TokenEvent) => void) => ClosableTokenSource) {
  const events: TokenEvent[] = [];
  await using source = open((event) => void events.push(event));
  const first = await source.getToken();
  const second = await source.getToken({ rejected: first });
  expect(second.value).not.toBe(first.value);
  return events.map(({ type }) => type);
}

const expired = () =>
  accessToken({
    value: "at-0",
    refreshToken: "rt-0",
    issuedAt: Date.now() - 2_000,
    expiresAt: Date.now() - 1,
  });

async function everySourceWorks(): Promise<void> {
  const told = ["token_requested", "token_received", "token_rejected", "token_requested", "token_received"];
  expect(await usedSource((onEvent) => clientCredentials(client, { onEvent }))).toEqual(told);
  const store = memoryStore();
  const shared = { store, key: "shared" };
  expect(await usedSource((onEvent) => clientCredentials(client, { ...shared, onEvent }))).toEqual(told);
  const session = { store, key: "session", token: expired() };
  expect(await usedSource((onEvent) => userSession(client, { ...session, onEvent }))).toEqual(told);
}

describe("tokens can be had, and renewed, on a runtime", () => {
  const builtins = (module: unknown): PropertyDescriptor => ({
    value: { ...process, getBuiltinModule: () => module },
  });

  it.each<[string, string, () => PropertyDescriptor]>([
    ["without process", "process", () => ({ value: undefined })],
    ["with a process that cannot be read", "process", () => ({ get: fail })],
    ["with a process of which nothing can be read", "process", () => ({ value: hostile() })],
    ["whose process has no getBuiltinModule", "process", () => ({ value: { env: {} } })],
    ["whose getBuiltinModule throws", "process", () => ({ value: { ...process, getBuiltinModule: fail } })],
    ["whose getBuiltinModule is no function", "process", () => ({ value: { getBuiltinModule: 7 } })],
    ["without Node's modules", "process", () => builtins(undefined)],
    ["that gives null for Node's modules", "process", () => builtins(null)],
    ["whose modules are empty", "process", () => builtins({})],
    ["whose modules throw at every use", "process", () => builtins(hostile())],
    [
      "whose modules have functions that throw",
      "process",
      () => builtins({ hasSubscribers: fail, channel: fail, createHmac: fail, createHash: fail }),
    ],
    [
      "whose channels cannot be published to",
      "process",
      () => builtins({ hasSubscribers: () => true, channel: fail, createHmac: fail }),
    ],
    ["without crypto", "crypto", () => ({ value: undefined })],
    ["with a crypto that cannot be read", "crypto", () => ({ get: fail })],
    [
      "without crypto.subtle",
      "crypto",
      () => ({ value: { getRandomValues: webcrypto.getRandomValues.bind(webcrypto), randomUUID: fail } }),
    ],
  ])("%s", async (_, name, replacement) => {
    replaceGlobal(name, replacement());
    await everySourceWorks();
  });

  it("without process and without crypto.subtle", async () => {
    replaceGlobal("process", { value: undefined });
    replaceGlobal("crypto", { value: {} });
    await everySourceWorks();
  });

  it("with a global object that is frozen", async () => {
    const isExtensible = vi.spyOn(Reflect, "defineProperty").mockReturnValue(false);
    onTestFinished(() => isExtensible.mockRestore());
    await everySourceWorks();
  });
});

describe("a listener's promise may reject", () => {
  type Then = (resolve: () => void, reject: (reason: Error) => void) => void;
  const thenable = (then: Then): object => ({ then });

  it.each<[string, () => unknown]>([
    ["of another realm", () => runInNewContext("Promise.reject(new Error('no disk'))")],
    ["of a library", () => thenable((_, reject) => reject(new Error("no disk")))],
    ["whose then throws", () => thenable(fail)],
  ])("%s", async (_, answer) => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    onTestFinished(() => void process.off("unhandledRejection", unhandled));
    await using source = clientCredentials(client, { onEvent: answer as () => void });
    await source.getToken();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe("in Cloudflare Workers with an old compatibility date", () => {
  /** There, a listener has no `this`. */
  function withoutThis(signal: AbortSignal): AbortSignal {
    type Listener = (event: Event) => void;
    const wrapped = new Map<unknown, Listener>();
    const { addEventListener, removeEventListener } = EventTarget.prototype;
    signal.addEventListener = (type: string, listener: unknown) => {
      const bare = (event: Event): void => (listener as Listener).call(undefined, event);
      wrapped.set(listener, bare);
      addEventListener.call(signal, type, bare);
    };
    signal.removeEventListener = (type: string, listener: unknown) =>
      removeEventListener.call(signal, type, wrapped.get(listener) ?? (() => {}));
    return signal;
  }

  it("a caller's signal ends that caller's wait", async () => {
    const never: typeof fetch = () => new Promise(() => {});
    await using source = clientCredentials({ ...client, timeoutMs: 2_000, fetch: never });
    const controller = new AbortController();
    const signal = withoutThis(controller.signal);
    const waits = [source.getToken({ signal }), source.getToken({ signal })];
    controller.abort(new Error("the caller left"));
    const reasons = await Promise.all(waits.map(rejection));
    expect(reasons).toEqual([controller.signal.reason, controller.signal.reason]);
  });

  /** There, `Object.prototype.toString` knows none of the platform's classes. */
  function withoutTag(type: { readonly prototype: object }): void {
    const tag = Object.getOwnPropertyDescriptor(type.prototype, Symbol.toStringTag);
    if (tag === undefined) throw new Error("It has no tag to begin with.");
    onTestFinished(() => void Object.defineProperty(type.prototype, Symbol.toStringTag, tag));
    Reflect.deleteProperty(type.prototype, Symbol.toStringTag);
  }

  it("a CryptoKey signs", async () => {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const { privateKey } = await webcrypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
    withoutTag(privateKey.constructor);
    expect(String(privateKey)).toBe("[object Object]");
    const authentication = privateKeyJwt({ clientId: "client-1", keyId: "key-1", privateKey });
    const body = new URLSearchParams();
    await authentication({ endpoints: client.endpoints, headers: new Headers(), body, now: Date.now() });
    expect(body.get("client_assertion")?.split(".")).toHaveLength(3);
  });

  it("a FormData can be sent again", async () => {
    const form = new FormData();
    form.append("name", "value");
    withoutTag(FormData);
    expect(String(form)).toBe("[object Object]");
    const { body, isReplayable } = captureBody(form);
    expect([isReplayable, await new Response(body as Blob).text()]).toEqual([
      true,
      expect.stringContaining('name="name"\r\n\r\nvalue'),
    ]);
  });
});

describe("bytes of another realm, as a test runner's are", () => {
  it.each([
    "new DataView(Uint8Array.of(1, 2, 3).buffer, 1)",
    "Uint8Array.of(2, 3)",
    "Uint8Array.of(2, 3).buffer",
  ])("can be sent again: %s", async (code) => {
    const { body, isReplayable } = captureBody(runInNewContext(code) as Uint8Array<ArrayBuffer>);
    const sent = new Uint8Array(await new Response(body).arrayBuffer());
    expect([isReplayable, [...sent]]).toEqual([true, [2, 3]]);
  });
});

describe("the callback of a login", () => {
  it.each<[string, (query: string) => unknown]>([
    ["a URL", (query) => ({ searchParams: new URLSearchParams(query) })],
    ["parameters", (query) => ({ getAll: () => [], toString: () => query })],
  ])("may be %s of another realm", async (_, callbackOf) => {
    const pending = await startAuthorization(client, { redirectUri: "https://app.example.com/callback" });
    const callback = callbackOf(`code=c&state=${pending.state}`) as URL;
    expect((await finishAuthorization(client, callback, pending)).token.value).toMatch(/^at-/);
  });
});

describe("two copies of the package in one process", () => {
  afterEach(() => vi.resetModules());

  it("give a token one fingerprint", async () => {
    const fingerprints = new Set<unknown>();
    for (let copy = 0; copy < 2; copy++) {
      vi.resetModules();
      const core = await import("@talkdesk-oauth/core");
      const onEvent = (event: TokenEvent): void => {
        if (event.type === "token_rejected") fingerprints.add(event.fingerprint);
      };
      const fetch = async () => Response.json({ access_token: "one-token", expires_in: 599 });
      await using source = core.clientCredentials({ ...client, fetch }, { onEvent });
      await rejection(source.getToken({ rejected: await source.getToken() }));
    }
    expect([...fingerprints]).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
  });

  it("read each other's tokens, errors and clients", async () => {
    vi.resetModules();
    const other = await import("@talkdesk-oauth/core");
    const token = other.accessToken({ value: "at-0", refreshToken: "rt-0", expiresAt: Date.now() + 60_000 });
    await using session = userSession(client, { key: "a", token });
    expect((await session.getToken()).value).toBe("at-0");
    const otherClient = other.talkdeskClient({ account: "acme", authentication: client.authentication });
    expect((await clientCredentials({ ...otherClient, fetch: grantToken }).getToken()).value).toMatch(/^at-/);
  });
});
