import { afterAll, beforeAll, expect, it } from "vitest";
import { type Emulator, type Fault, startEmulator } from "./support/package-under-test.js";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator();
});
afterAll(() => talkdesk.stop());

async function* stream(): AsyncGenerator<string> {
  yield "a";
}

it.each<[string, unknown]>([
  ["a fault must be an object", undefined],
  ["a fault must be an object", []],
  ["at must be", { at: "gateway", hang: true }],
  ["at must be", { hang: true }],
  ["must have an effect", { at: "token" }],
  ["one effect, not hang and reset", { at: "token", hang: true, reset: "before" }],
  ["no member respnd", { at: "token", respnd: { status: 200 } }],
  ["times must be", { at: "token", hang: true, times: 0 }],
  ["times must be", { at: "token", hang: true, times: 1.5 }],
  ["skip must be", { at: "token", hang: true, skip: -1 }],
  ["delayMs must be", { at: "token", delayMs: -1 }],
  ["delayMs must be", { at: "token", delayMs: Infinity }],
  ["delayMs must be", { at: "token", delayMs: "10", hang: true }],
  ["hang must be true", { at: "token", hang: false }],
  ["lose must be true", { at: "token", lose: 1 }],
  ["reset must be", { at: "token", reset: "after" }],
  ["patch must be an object", { at: "token", patch: "x" }],
  ["dateSkewMs must be", { at: "token", dateSkewMs: Number.NaN }],
  ["truncate must be", { at: "token", truncate: -1 }],
  ["trickle must be an object", { at: "token", trickle: 5 }],
  ["trickle.chunkBytes", { at: "token", trickle: { chunkBytes: 0, everyMs: 1 } }],
  ["trickle.everyMs", { at: "token", trickle: { chunkBytes: 1 } }],
  ["trickle has no member ms", { at: "token", trickle: { chunkBytes: 1, everyMs: 1, ms: 1 } }],
  ["respond must be an object", { at: "token", respond: 503 }],
  ["respond.status", { at: "token", respond: {} }],
  ["respond.status", { at: "token", respond: { status: 101 } }],
  ["respond has no member header", { at: "token", respond: { status: 200, header: {} } }],
  ["respond.headers", { at: "token", respond: { status: 200, headers: { a: 1 } } }],
  ["Invalid character in header", { at: "token", respond: { status: 200, headers: { a: "\n" } } }],
  ["must be a valid HTTP token", { at: "token", respond: { status: 200, headers: { "a b": "1" } } }],
  ["respond.body", { at: "token", respond: { status: 200, body: { error: "x" } } }],
  ["can be sent once", { at: "token", times: 2, respond: { status: 200, body: stream() } }],
  ["respond.early", { at: "token", respond: { status: 200, early: 1 } }],
  [
    "respond.early must be false",
    { at: "token", match: { grantType: "x" }, respond: { status: 200, early: true } },
  ],
  ["match must be an object", { at: "token", hang: true, match: "/a" }],
  ["match has no member url", { at: "token", hang: true, match: { url: "/" } }],
  ["match.region", { at: "token", hang: true, match: { region: "uk" } }],
  ["match.path", { at: "token", hang: true, match: { path: 1 } }],
  ["match.authorization", { at: "token", hang: true, match: { authorization: 1 } }],
  ["match.method", { at: "token", hang: true, match: { method: 1 } }],
  ["match.grantType must go with", { at: "api", hang: true, match: { grantType: "x" } }],
])("faults.add() throws a TypeError: %s", (message, fault) => {
  expect(() => talkdesk.faults.add(fault as Fault)).toThrow(TypeError);
  expect(() => talkdesk.faults.add(fault as Fault)).toThrow(message);
});
