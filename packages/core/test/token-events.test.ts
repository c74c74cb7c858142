import { createHash } from "node:crypto";
import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { clientCredentials, clientSecretBasic, isTalkdeskError, type TokenEvent } from "@talkdesk-oauth/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type Call,
  granting,
  refusing,
  type StageOptions,
  settled,
  stage,
} from "./support/lifecycle-fixture.js";
import { rejection } from "./support/token-endpoint.js";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const TYPES = [
  "token_requested",
  "token_received",
  "token_failed",
  "served_stale",
  "token_rejected",
  "gate_closed",
  "gate_opened",
] as const;

/** A source whose events are kept. */
function observed(options: StageOptions = {}) {
  const events: TokenEvent[] = [];
  const staged = stage({ onEvent: (event) => void events.push(event), ...options });
  const common = {
    grantType: "client_credentials",
    tokenEndpoint: "https://acme.talkdeskid.com/oauth/token",
    clientId: "client",
  };
  return { ...staged, events, common };
}

/** The events of a life with everything in it, and what callers were told. */
async function eventfulLife(options: StageOptions = {}, granted: Record<string, unknown> = {}) {
  const failing = new Set([3, 4, 5, 6, 7]);
  const staged = observed({
    onCall: (call) => (failing.has(call.number) ? refusing(call) : call.grant(granted)),
    ...options,
  });
  const { source, clock } = staged;
  const told: unknown[] = [];
  const ask = async (request?: Parameters<typeof source.getToken>[0]) => {
    const answer = await source.getToken(request).catch((error: unknown) => error);
    told.push(answer);
    await settled();
    return answer;
  };
  const first = await source.getToken();
  clock.pass(545 * SECOND);
  await ask();
  const rejected = await source.getToken();
  for (let failure = 0; failure < 6; failure += 1) await ask({ rejected });
  await ask();
  clock.pass(SECOND);
  await ask({ rejected });
  await source.close();
  await ask();
  return { ...staged, told: [first, rejected, ...told] };
}

describe("onEvent", () => {
  it("tells of a token that is asked for and received, with duration, end and scope", async () => {
    const { source, endpoint, clock, events, common } = observed({ scope: "contacts:read users:read" });
    const requestedAt = clock.now();
    const token = source.getToken();
    await settled();
    clock.pass(1_234);
    endpoint.last.grant({ scope: "contacts:read" });
    await token;
    expect(events).toEqual([
      { type: "token_requested", at: requestedAt, ...common, reason: "no_token", probe: false },
      {
        type: "token_received",
        at: requestedAt + 1_234,
        ...common,
        durationMs: 1_234,
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        expiresAt: requestedAt + 599 * SECOND,
        scope: ["contacts:read"],
        missingScope: ["users:read"],
      },
    ]);
  });

  it.each([
    ["all that was asked for was granted", "contacts:read", "users:read contacts:read"],
    ["the answer does not say what was granted", "contacts:read", undefined],
    ["nothing in particular was asked for", undefined, "users:read"],
  ])("names no missing scope when %s", async (_, asked, granted) => {
    const { source, events } = observed({
      ...(asked !== undefined && { scope: asked }),
      onCall: granting({ scope: granted }),
    });
    await source.getToken();
    expect(events[1]).toMatchObject({ type: "token_received" });
    expect(events[1]).not.toHaveProperty("missingScope");
    if (granted === undefined) expect(events[1]).not.toHaveProperty("scope");
  });

  it("tells of a failed call, with its duration and its error", async () => {
    const { source, endpoint, clock, events, common } = observed();
    const failed = rejection(source.getToken());
    await settled();
    clock.pass(70);
    refusing(endpoint.last);
    const error = await failed;
    expect(events.slice(1)).toEqual([
      {
        type: "token_failed",
        at: clock.now(),
        ...common,
        durationMs: 70,
        error: expect.objectContaining({ code: "request_refused", status: 400 }),
      },
    ]);
    // A change that a caller makes to its error does not reach the listener's error.
    expect((events[1] as { error?: unknown }).error).not.toBe(error);
  });

  it("tells of a token served beyond its soft point: while the renewal is under way, and after it failed", async () => {
    const { source, endpoint, clock, events, common } = observed();
    const first = source.getToken();
    await settled();
    endpoint.last.grant();
    await first;
    const { fingerprint } = events[1] as { fingerprint?: string };
    clock.pass(540 * SECOND);
    await source.getToken();
    await settled();
    clock.pass(SECOND);
    refusing(endpoint.last);
    await settled();
    await source.getToken();
    expect(events.slice(2)).toEqual([
      { type: "token_requested", at: clock.now() - SECOND, ...common, reason: "renewal", probe: false },
      {
        type: "served_stale",
        at: clock.now() - SECOND,
        ...common,
        fingerprint,
        renewal: "pending",
        remainingMs: 59 * SECOND,
      },
      {
        type: "token_failed",
        at: clock.now(),
        ...common,
        durationMs: SECOND,
        error: expect.objectContaining({ code: "request_refused" }),
      },
      {
        type: "served_stale",
        at: clock.now(),
        ...common,
        fingerprint,
        renewal: "failed",
        remainingMs: 58 * SECOND,
        error: expect.objectContaining({ code: "request_refused" }),
      },
    ]);
  });

  it("tells of a refused token once, however many report it", async () => {
    const { source, events, common, clock } = observed({ onCall: granting() });
    const rejected = await source.getToken();
    const { fingerprint } = events[1] as { fingerprint?: string };
    await Promise.all(Array.from({ length: 50 }, () => source.getToken({ rejected })));
    await source.getToken({ rejected });
    expect(events.slice(2)).toEqual([
      { type: "token_rejected", at: clock.now(), ...common, fingerprint },
      { type: "token_requested", at: clock.now(), ...common, reason: "refusal", probe: false },
      expect.objectContaining({ type: "token_received" }),
    ]);
  });

  it("tells of the gate, closing and opening, and of its probes", async () => {
    const { source, endpoint, clock, events, common } = observed();
    const fail = async (): Promise<void> => {
      const failed = rejection(source.getToken());
      await settled();
      refusing(endpoint.last);
      await failed;
    };
    for (let failure = 0; failure < 5; failure += 1) await fail();
    const closedAt = clock.now();
    await rejection(source.getToken());
    clock.pass(SECOND);
    await fail();
    clock.pass(2 * SECOND);
    const probe = source.getToken();
    await settled();
    endpoint.last.grant();
    await probe;
    expect(events.map(({ type }) => type)).toEqual([
      ...Array.from({ length: 4 }, () => ["token_requested", "token_failed"]).flat(),
      ...["token_requested", "token_failed", "gate_closed"],
      ...["token_requested", "token_failed", "gate_closed"],
      ...["token_requested", "token_received", "gate_opened"],
    ]);
    const closed = events.filter(({ type }) => type === "gate_closed");
    expect(closed).toEqual([
      {
        type: "gate_closed",
        at: closedAt,
        ...common,
        retryAt: closedAt + SECOND,
        error: expect.objectContaining({ code: "request_refused" }),
      },
      expect.objectContaining({ at: closedAt + SECOND, retryAt: closedAt + 3 * SECOND }),
    ]);
    expect(events.at(-1)).toEqual({
      type: "gate_opened",
      at: closedAt + 3 * SECOND,
      ...common,
      durationMs: 3 * SECOND,
    });
    const probes = events.flatMap((event) => (event.type === "token_requested" ? [event.probe] : []));
    expect(probes).toEqual([false, false, false, false, false, true, true]);
  });

  it("gives each listener events that it cannot change", async () => {
    const { events } = await eventfulLife();
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(TYPES));
    for (const event of events) expect(Object.isFrozen(event)).toBe(true);
  });

  it("may throw, or return a promise that rejects", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    for (const onEvent of [
      () => {
        throw new Error("a listener's own trouble");
      },
      async () => Promise.reject(new Error("a listener's own trouble, later")),
    ]) {
      const { told } = await eventfulLife({ onEvent });
      expect(told.map((answer) => (isTalkdeskError(answer) ? answer.code : "token"))).toEqual([
        ...["token", "token", "token"],
        ...Array.from({ length: 6 }, () => "request_refused"),
        ...["token", "token", "source_closed"],
      ]);
    }
    await settled();
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  it("is told before the callers are, in the order of what happened", async () => {
    const order: string[] = [];
    const { source } = stage({ onCall: granting(), onEvent: ({ type }) => void order.push(type) });
    await source.getToken().then(() => order.push("caller"));
    expect(order).toEqual(["token_requested", "token_received", "caller"]);
  });
});

describe("node:diagnostics_channel", () => {
  it("has a channel for each type, for all sources", async () => {
    const messages: { readonly name: string | symbol; readonly message: unknown }[] = [];
    const note = (message: unknown, name: string | symbol): void => void messages.push({ name, message });
    for (const type of TYPES) subscribe(`talkdesk-oauth:${type}`, note);
    const { events } = await eventfulLife();
    const { source } = stage({ onCall: granting() });
    await source.getToken();
    for (const type of TYPES) unsubscribe(`talkdesk-oauth:${type}`, note);
    expect(messages.slice(0, events.length)).toEqual(
      events.map((message) => ({ name: `talkdesk-oauth:${message.type}`, message })),
    );
    expect(messages.slice(events.length).map(({ name }) => name)).toEqual([
      "talkdesk-oauth:token_requested",
      "talkdesk-oauth:token_received",
    ]);
  });

  it("publishes no types without subscribers", async () => {
    const note = vi.fn();
    subscribe("talkdesk-oauth:token_failed", note);
    const { source } = stage({ onCall: granting() });
    await source.getToken();
    unsubscribe("talkdesk-oauth:token_failed", note);
    expect(note).not.toHaveBeenCalled();
    expect(channel("talkdesk-oauth:token_failed").hasSubscribers).toBe(false);
  });
});

describe("on a runtime without Node's modules", () => {
  afterEach(() => void vi.restoreAllMocks());

  it("events have no fingerprint, and all else is as elsewhere", async () => {
    vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
    const { events } = await eventfulLife();
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(TYPES));
    for (const event of events) expect(event).not.toHaveProperty("fingerprint");
  });
});

describe("a fingerprint", () => {
  const fingerprints = async (value: string): Promise<string[]> => {
    const { events } = await eventfulLife({}, { access_token: value });
    return events.flatMap((event) => ("fingerprint" in event ? [event.fingerprint as string] : []));
  };

  it("is equal for equal tokens of one process, and for no others", async () => {
    const one = await fingerprints("a-token");
    expect(one.length).toBeGreaterThan(4);
    expect(new Set([...one, ...(await fingerprints("a-token"))]).size).toBe(1);
    expect(one).not.toContain((await fingerprints("another-token"))[0]);
  });

  it("cannot be computed without the key of the process", async () => {
    const [fingerprint = ""] = await fingerprints("a-token");
    expect(fingerprint).toHaveLength(16);
    for (const algorithm of ["sha256", "sha1", "md5"]) {
      expect(createHash(algorithm).update("a-token").digest("hex")).not.toContain(fingerprint);
    }
  });
});

describe("secrets", () => {
  /** Everything that a log might make of a value, hidden properties and causes included. */
  function shown(value: unknown): string {
    const texts = [inspect(value, { depth: 20, showHidden: true, getters: false }), String(value)];
    const seen = new Set<unknown>();
    const visit = (part: unknown): void => {
      if (typeof part === "string") texts.push(part);
      if (typeof part !== "object" || part === null || seen.has(part)) return;
      seen.add(part);
      for (const key of Reflect.ownKeys(part)) {
        texts.push(String(key));
        const descriptor = Object.getOwnPropertyDescriptor(part, key);
        visit(descriptor?.value);
      }
    };
    visit(value);
    texts.push(JSON.stringify(value) ?? "", JSON.stringify({ ...(value as object) }));
    return texts.join("\n");
  }

  /** Text that a careless server may repeat: credentials and tokens, in every form that was sent. */
  const SECRET = "canary-secret/+ é";
  const BASIC = btoa(String.fromCharCode(...new TextEncoder().encode(`client:${SECRET}`)));
  const canaries = (token: string): string[] => [
    SECRET,
    encodeURIComponent(SECRET),
    BASIC,
    token,
    "canary-refresh",
    "canary-session",
    "canary-id-token",
    "canary-extra",
  ];
  const echo = {
    error: "invalid_scope",
    error_description: `Basic ${BASIC} with ${SECRET} and ${encodeURIComponent(SECRET)}`,
  };
  const granted = {
    access_token: "canary-token",
    refresh_token: "canary-refresh",
    sid: "canary-session",
    id_token: "canary-id-token",
    canary: "canary-extra",
  };

  const answers: [string, (call: Call) => void][] = [
    ["a 400 that repeats them", (call) => call.refuse(400, echo)],
    ["a 401 that repeats them", (call) => call.refuse(401, { ...echo, error: "invalid_client" })],
    [
      "a 503 that repeats them",
      (call) => call.refuse(503, echo, { "retry-after": "100", "x-echo": "canary-extra" }),
    ],
    [
      "a redirect with them",
      (call) => call.refuse(302, undefined, { location: `https://other.example/?secret=${BASIC}` }),
    ],
    ["a token of a type that cannot be sent", (call) => call.grant({ ...granted, token_type: "mac" })],
    ["a token without a lifetime", (call) => call.grant({ ...granted, expires_in: 0 })],
    ["a token that is no text", (call) => call.grant({ ...granted, access_token: ["canary-token"] })],
    ["a scope that is no text", (call) => call.grant({ ...granted, scope: ["canary-extra"] })],
    [
      "a fetch that rejects with its request",
      (call) =>
        call.lose(
          Object.assign(new TypeError(`fetch failed for Basic ${BASIC}`), {
            code: "CERT_HAS_EXPIRED",
            request: call.init,
            headers: call.init.headers,
          }),
        ),
    ],
  ];

  it.each(answers)("appear in no event, error, source or token after %s", async (_, answer) => {
    const events: TokenEvent[] = [];
    const authentication = clientSecretBasic({ clientId: "client", clientSecret: SECRET });
    const failing = { isFailing: false };
    const { source, client, clock } = stage({
      client: { authentication },
      onEvent: (event) => void events.push(event),
      onCall: (call) => (failing.isFailing ? answer(call) : call.grant(granted)),
    });
    const rejected = await source.getToken();
    failing.isFailing = true;
    const told: unknown[] = [rejected];
    for (let failure = 0; failure < 7; failure += 1) {
      told.push(await source.getToken({ rejected }).catch((error: unknown) => error));
    }
    clock.pass(550 * SECOND);
    told.push(await source.getToken());
    await settled();
    clock.pass(HOUR);
    told.push(await source.getToken().catch((error: unknown) => error));
    await source.close();
    told.push(await rejection(source.getToken()));

    expect(told.filter(isTalkdeskError).length).toBeGreaterThan(1);
    expect(events.some(({ type }) => type === "token_failed")).toBe(true);
    const everything = [...events, ...told, source, client, client.authentication].map(shown).join("\n");
    for (const canary of canaries("canary-token")) expect(everything).not.toContain(canary);
    for (const error of told.filter(isTalkdeskError)) {
      const { stack = "", cause } = error;
      const deep = `${stack}${shown(cause)}${shown(structuredClone(error))}`;
      for (const canary of canaries("canary-token")) expect(deep).not.toContain(canary);
    }
  });

  it("are found by this test where they are shown on purpose", () => {
    const planted = Object.assign(new Error("plain"), { cause: new Error(`with ${SECRET}`) });
    expect(shown(planted)).toContain(SECRET);
    expect(shown(Object.defineProperty({}, "hidden", { value: { deep: BASIC } }))).toContain(BASIC);
  });

  it("are not kept in a source's own properties", () => {
    const { client } = stage();
    expect(Object.keys(clientCredentials(client)).sort()).toEqual([
      "api",
      "close",
      "getToken",
      "identity",
      "reportWithheld",
      "tokenEndpoint",
    ]);
  });
});
