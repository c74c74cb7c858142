import { afterEach, expect, it } from "vitest";
import {
  answers,
  type Emulator,
  type EmulatorOptions,
  type Operation,
  type OperationCall,
  startEmulator,
} from "./support/package-under-test.js";
import { logIn, requestBearer } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator | undefined;
afterEach(() => talkdesk?.stop());

async function start(...operations: Operation[]): Promise<Emulator> {
  talkdesk = await startEmulator({ operations });
  return talkdesk;
}

const echoed: Operation = {
  method: "POST",
  path: "/flows/{flow_id}/interactions/{id}",
  scope: "flows-interactions:start",
  answer: ({ token, headers, query, ...call }) => ({
    status: 201,
    body: { ...call, type: headers["content-type"], query: query.get("q"), token },
  }),
};

it("answers with what the function gives for the call", async () => {
  const emulator = await start(echoed);
  const { authorization } = await requestBearer(emulator);
  const answer = await send(`${emulator.endpoints().api}/flows/a%20b/interactions/7?q=1`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: '{"to":"+1"}',
  });
  expect([answer.status, answer.headers["content-type"]]).toEqual([201, "application/json"]);
  expect(answer.json).toEqual({
    method: "POST",
    path: "/flows/a%20b/interactions/7",
    params: { flow_id: "a b", id: "7" },
    body: { to: "+1" },
    type: "application/json",
    query: "1",
    token: {
      account: "acme",
      region: "us",
      clientId: emulator.clients.get().clientId,
      scopes: expect.arrayContaining(["flows-interactions:start"]),
    },
  });
});

it("stands behind the same authorisation, scopes, methods, faults and log as the built-in ones", async () => {
  const emulator = await start(echoed);
  const url = `${emulator.endpoints().api}/flows/1/interactions/2`;
  const call = async (headers: Record<string, string>, method = "POST"): Promise<unknown> =>
    (await send(url, { method, headers })).status;
  expect(await call({})).toBe(401);
  expect(await call(await requestBearer(emulator, { scope: "users:read" }))).toBe(403);
  expect(await call(await requestBearer(emulator), "GET")).toBe(405);
  emulator.faults.add({ at: "api", respond: answers.tooManyRequests(1) });
  const headers = await requestBearer(emulator);
  expect([await call(headers), await call(headers)]).toEqual([429, 201]);
  const foreign = await requestBearer(emulator, { region: "eu" });
  expect(await call(foreign)).toBe(401);
  emulator.faults.revokeTokens();
  expect(await call(headers)).toBe(401);
  expect(emulator.requests.to("api").map(({ status }) => status)).toEqual([
    401, 403, 405, 429, 201, 401, 401,
  ]);
});

it("gives default clients the scope of an operation, and the user of a login to its call", async () => {
  const emulator = await start({
    method: "GET",
    path: "/knowledge/documents",
    scope: "knowledge-documents:read",
    answer: ({ token }) => ({ status: 200, body: token.userId }),
  });
  const { json } = await logIn(emulator, "knowledge-documents:read openid");
  const headers = { authorization: `Bearer ${json.access_token}` };
  const user = await send(`${emulator.endpoints().api}/users/me`, { headers });
  const answer = await send(`${emulator.endpoints().api}/knowledge/documents`, { headers });
  expect(answer.text).toBe(user.json.id);
  expect(emulator.clients.add({}).scopes).toContain("knowledge-documents:read");
});

it("comes before a built-in operation of its path, and the first of its own before the next", async () => {
  const emulator = await start(
    { method: "GET", path: "/users/special", answer: () => ({ status: 200, body: "special" }) },
    { method: "GET", path: "/users/{id}", answer: ({ params }) => ({ status: 200, body: params["id"] }) },
    { method: "GET", path: "/contacts", answer: () => ({ status: 204 }) },
  );
  const { api } = emulator.endpoints();
  const headers = await requestBearer(emulator);
  const bodies = [];
  for (const path of ["users/special", "users/other", "users/me"]) {
    bodies.push((await send(`${api}/${path}`, { headers })).text);
  }
  expect(bodies).toEqual(["special", "other", "me"]);
  expect((await send(`${api}/contacts`, { headers })).status).toBe(204);
  const json = { ...headers, "content-type": "application/json" };
  const added = await send(`${api}/contacts`, { method: "POST", headers: json, body: '{"name":"x"}' });
  expect(added.status).toBe(201);
});

it.each<[string, string | undefined, unknown]>([
  ["application/vnd.api+json", '{"a":1}', { a: 1 }],
  ["application/x-www-form-urlencoded", "a=1", "a=1"],
  ["text/csv", "a,b", "a,b"],
  ["application/octet-stream", "ab", new Uint8Array([97, 98])],
  ["application/json", undefined, undefined],
])("reads a body of %s", async (type, sent, expected) => {
  let body: unknown = "not called";
  const emulator = await start({
    method: "PUT",
    path: "/thing",
    answer: (call) => {
      body = call.body;
      return { status: 204 };
    },
  });
  const headers = { ...(await requestBearer(emulator)), "content-type": type };
  const request = { method: "PUT", headers, ...(sent !== undefined && { body: sent }) };
  const answer = await send(`${emulator.endpoints().api}/thing`, request);
  expect([answer.status, body]).toEqual([204, expected]);
});

it("refuses a body that says it is JSON, and is not", async () => {
  const emulator = await start({ method: "PUT", path: "/thing", answer: () => ({ status: 204 }) });
  const headers = { ...(await requestBearer(emulator)), "content-type": "application/json" };
  const answer = await send(`${emulator.endpoints().api}/thing`, { method: "PUT", headers, body: "{" });
  expect([answer.status, answer.json.code]).toEqual([400, "0020007"]);
});

it.each<[unknown, string, string]>([
  ["plain", "text/plain; charset=utf-8", "plain"],
  [new Uint8Array([97]), "application/octet-stream", "a"],
  [null, "application/json", "null"],
  [["a"], "application/json", '["a"]'],
])("sends the body %j", async (body, type, text) => {
  const emulator = await start({ method: "GET", path: "/thing", answer: () => ({ status: 200, body }) });
  const headers = await requestBearer(emulator);
  const answer = await send(`${emulator.endpoints().api}/thing`, { headers });
  expect([answer.headers["content-type"], answer.text]).toEqual([type, text]);
});

it("sends a stream, with the headers that the answer has", async () => {
  async function* stream(): AsyncGenerator<string> {
    yield "a,b\n";
    yield "1,2\n";
  }
  const emulator = await start({
    method: "GET",
    path: "/thing.csv",
    answer: async () => ({
      status: 200,
      headers: { "Content-Type": "text/csv", "x-a": ["1", "2"] },
      body: stream(),
    }),
  });
  const { api } = emulator.endpoints();
  const answer = await send(`${api}/thing.csv`, { headers: await requestBearer(emulator) });
  expect([answer.headers["content-type"], answer.headers["x-a"], answer.text]).toEqual([
    "text/csv",
    "1, 2",
    "a,b\n1,2\n",
  ]);
  expect((await send(`${api}/thingXcsv`)).status).toBe(404);
});

it.each<[string, Operation["answer"], string]>([
  [
    "throws",
    () => {
      throw new TypeError("no such flow");
    },
    "TypeError: no such flow",
  ],
  ["rejects", () => Promise.reject(new Error("later")), "Error: later"],
  ["rejects with no error", () => Promise.reject("text"), "'text'"],
  ["gives nothing", (() => undefined) as never, "The answer must have a status from 200 to 599."],
  ["gives a wrong status", () => ({ status: 99 }), "The answer must have a status from 200 to 599."],
  ["gives a wrong header", () => ({ status: 200, headers: { "x-a": "a\nb" } }), "x-a"],
  ["gives a body that JSON lacks", () => ({ status: 200, body: () => 1 }), "JSON can express"],
  [
    "gives a body with a cycle",
    () => {
      const body: unknown[] = [];
      body.push(body);
      return { status: 200, body };
    },
    "circular",
  ],
])("gets a 500 when its function %s, and the log says why", async (_, answer, reason) => {
  const emulator = await start({ method: "GET", path: "/thing/{id}", answer });
  const headers = await requestBearer(emulator);
  const { status, json } = await send(`${emulator.endpoints().api}/thing/1`, { headers });
  expect([status, json.message]).toEqual([500, "The operation failed"]);
  expect(json.description).toContain(reason);
  const [record] = emulator.requests.to("api");
  expect(record?.refusal).toBe(`The operation failed: ${json.description}`);
  expect(json.description).toMatch(/^The operation GET \/thing\/\{id\} could not answer: /);
  expect(JSON.stringify(record)).toContain("could not answer");
  expect((await send(`${emulator.endpoints().api}/users`, { headers })).status).toBe(200);
});

it("is named in the answer to a path that no operation has", async () => {
  const emulator = await start();
  const { json } = await send(`${emulator.endpoints().api}/nowhere`);
  expect(json.description).toContain("operations");
});

const valid = { method: "GET", path: "/thing", answer: (_: OperationCall) => ({ status: 204 }) };

it.each<[string, unknown, string]>([
  ["no list", {}, "operations must be an array"],
  ["a text", ["x"], "operations[0] must be an object."],
  ["a misspelt member", [{ ...valid, scopes: "a" }], "operations[0] has no member scopes"],
  ["a method in small letters", [{ ...valid, method: "get" }], "operations[0].method must be"],
  ["a path without a slash", [valid, { ...valid, path: "thing" }], "operations[1].path must be"],
  ["a path with a query", [{ ...valid, path: "/thing?a" }], "operations[0].path must be"],
  ["a path with a brace left open", [{ ...valid, path: "/thing/{id" }], "operations[0].path must be"],
  ["a parameter after a colon", [{ ...valid, path: "/thing/:id" }], "in braces: /users/{id}"],
  ["a parameter twice", [{ ...valid, path: "/{id}/{id}" }], "must not repeat"],
  ["two scopes", [{ ...valid, scope: "a b" }], "operations[0].scope must be one scope"],
  ["no function", [{ ...valid, answer: { status: 200 } }], "operations[0].answer must be a function."],
  ["the same twice", [valid, { ...valid }], "operations must not repeat GET /thing."],
])("refuses %s", async (_, operations, message) => {
  const options = { operations } as EmulatorOptions;
  const error = await startEmulator(options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TypeError);
  expect((error as TypeError).message).toContain(message);
});
