// Runs one subject in one scenario, in a process of its own, and prints the result as JSON:
// `node run-subject.mjs axios-auth-refresh revoked https://localhost:…`; some scenarios take a size, such as `body=1000000`.
import https from "node:https";
import axios, { AxiosHeaders } from "axios";
import { Agent, Dispatcher, setGlobalDispatcher } from "undici";

const [subject, chosen, origin] = process.argv.slice(2);
const [scenario, size] = chosen.split("=");
const users = `${origin}/users`;
const [clientId, clientSecret] = ["bench", "secret-of-the-bench"];

const rawHeaders = [Buffer.from("content-type"), Buffer.from("application/json")];
const body = Buffer.from("{}");
const controller = { rawHeaders, rawTrailers: [], abort() {}, pause() {}, resume() {} };

/** A dispatcher that answers at once. undici's own `request` gives it a handler of the old kind. */
class InstantDispatcher extends Dispatcher {
  dispatch(_request, handler) {
    if (handler.onRequestStart === undefined) {
      handler.onConnect(() => {}, {});
      handler.onHeaders(200, rawHeaders, () => {}, "OK");
      handler.onData(body);
      handler.onComplete([]);
      return true;
    }
    handler.onRequestStart(controller, {});
    handler.onResponseStart(controller, 200, { "content-type": "application/json" }, "OK");
    handler.onResponseData(controller, body);
    handler.onResponseEnd(controller, {});
    return true;
  }
}

/** No client opens more: thousands of calls at once would measure the system's sockets. */
const CONNECTIONS = 100;
https.globalAgent.maxSockets = CONNECTIONS;
const agent = new Agent({ connections: CONNECTIONS });
setGlobalDispatcher(agent);

const ask = async (path, init) => (await fetch(origin + path, init)).json();
const { access_token: token } = await ask("/oauth/token", { method: "POST" });
const options = {
  origin,
  clientId,
  clientSecret,
  headers: { authorization: `Bearer ${token}` },
  dispatcher: agent,
};
if (scenario === "local") takeNetworkAway(options);

const { open } = await import(`./subjects/${subject}.mjs`);
const call = open(options);

const scenarios = {
  /** Callers of which none has a token yet. */
  cold: () => callAll(10_000, () => users),
  /** Calls with a token that was revoked just before. */
  revoked: async () => {
    await callAll(1, () => users);
    await ask("/revoke");
    return callAll(1_000, () => users);
  },
  /** Refusals that come one after another, most of them when there is a new token already. */
  late: async () => {
    await callAll(1, () => users);
    await ask("/revoke");
    return callAll(300, (index) => `${users}?late=${index}`);
  },
  /** One call after another, with a token. */
  warm: () => callInTurn(300, 1_500),
  /** The same without a network. */
  local: () => callInTurn(20_000, 40_000),
  /** So many calls at once, with a token, again and again. */
  concurrency: () => callTogether(Number(size)),
  /** Calls with a body of so many bytes. */
  body: () =>
    callInTurn(2, Math.min(200, Math.ceil(200_000_000 / Number(size))), Buffer.alloc(Number(size), "a")),
};

async function callAll(count, urlOf) {
  await ask("/counts");
  let successes = 0;
  const startedAt = performance.now();
  const calls = Array.from({ length: count }, async (_, index) => {
    if ((await call(urlOf(index))) === 200) successes += 1;
  });
  await Promise.allSettled(calls);
  const ms = performance.now() - startedAt;
  return { calls: count, successes, ms, ...(await ask("/counts")) };
}

async function callTogether(concurrency) {
  const count = Math.max(2_000, 2 * concurrency);
  for (let i = 0; i < 100; i++) await call(users);
  await ask("/counts");
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  let started = 0;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (started++ < count) await call(users);
    }),
  );
  const us = ((performance.now() - startedAt) * 1000) / count;
  const { user, system } = process.cpuUsage(cpu);
  return { us, cpuUs: (user + system) / count, ...(await ask("/counts")) };
}

async function callInTurn(before, count, body) {
  for (let i = 0; i < before; i++) await call(users, body);
  await ask("/counts");
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  for (let i = 0; i < count; i++) await call(users, body);
  const us = ((performance.now() - startedAt) * 1000) / count;
  const { user, system } = process.cpuUsage(cpu);
  return { us, cpuUs: (user + system) / count, ...(await ask("/counts")) };
}

console.log(JSON.stringify(await scenarios[scenario]()));
process.exit();

/** Has each client's transport answer calls of the API at once; token requests still go to the service. */
function takeNetworkAway(given) {
  const json = { "content-type": "application/json" };
  const isOurs = (url) => url.startsWith(users);
  const realFetch = globalThis.fetch;
  // One response for all calls: making one costs as much as what is measured.
  const response = new Response("{}", { headers: json });
  response.arrayBuffer = async () => undefined;
  response.text = async () => "{}";
  response.json = async () => ({});
  globalThis.fetch = (input, init) =>
    isOurs(typeof input === "string" ? input : (input.href ?? input.url))
      ? Promise.resolve(response)
      : realFetch(input, init);
  const realAdapter = axios.getAdapter("http");
  given.adapter = async (config) => {
    if (!isOurs(config.url)) return realAdapter(config);
    const headers = new AxiosHeaders(json);
    return { data: "{}", status: 200, statusText: "OK", headers, config, request: {} };
  };
  given.dispatcher = new InstantDispatcher();
  given.httpClient = {
    sendRequest: async (request) => ({ request, status: 200, headers: request.headers, bodyAsText: "{}" }),
  };
}
