import { AxiosHeaders } from "axios";
import { Dispatcher } from "undici";
import { axiosCalls, fetchCalls, undiciCalls } from "./clients.mjs";
import { sourceWithoutNetwork } from "./warm-source.mjs";

/** The best round counts: it is the one that other work on the machine disturbed least. */
export const ROUNDS = 25;
const ROUND_MS = 40;

/** Measures a call of each adapter with a token held, over a transport that answers at once. */
export async function ownCost() {
  const source = sourceWithoutNetwork();
  const { authorization } = await source.getToken();
  const common = { url: `${source.api}/users`, source, authorization };
  const response = new Response("{}");
  const clients = {
    fetch: fetchCalls({ ...common, send: async () => response, read: () => undefined }),
    undici: undiciCalls({ ...common, dispatcher: new InstantDispatcher(), call: makeCall(source.api) }),
    axios: axiosCalls({ ...common, transport: { adapter: instantAdapter } }),
  };
  const lines = [`A call with a token held and no network (best of ${ROUNDS} rounds in turns)`];
  for (const [client, calls] of Object.entries(clients)) {
    const costs = await bestOf(calls);
    for (const [name, ns] of Object.entries(costs)) {
      const more = name === "bare" ? "" : `   ${Math.round(ns - costs.bare)} ns more than bare`;
      lines.push(`  ${client.padEnd(7)} ${name.padEnd(34)} ${ns.toFixed(0).padStart(6)} ns${more}`);
    }
  }
  return lines;
}

/** Measures calls by name, in turns. Resolves to the nanoseconds of one call, by name. */
export async function bestOf(calls) {
  const best = Object.fromEntries(Object.keys(calls).map((name) => [name, Number.POSITIVE_INFINITY]));
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, call] of Object.entries(calls)) {
      let count = 0;
      const startedAt = performance.now();
      let elapsedMs = 0;
      for (; elapsedMs < ROUND_MS; elapsedMs = performance.now() - startedAt) {
        for (let i = 0; i < 20; i++) await call();
        count += 20;
      }
      if (round >= 0) best[name] = Math.min(best[name], (elapsedMs * 1e6) / count);
    }
  }
  return best;
}

async function instantAdapter(config) {
  const headers = new AxiosHeaders({ "content-type": "application/json" });
  return { data: "{}", status: 200, statusText: "OK", headers, config, request: {} };
}

const body = Buffer.from("{}");
const controller = { rawHeaders: [], rawTrailers: [], abort() {}, pause() {}, resume() {} };

class InstantDispatcher extends Dispatcher {
  dispatch(_request, handler) {
    handler.onRequestStart(controller, {});
    handler.onResponseStart(controller, 200, { "content-type": "application/json" }, "OK");
    handler.onResponseData(controller, body);
    handler.onResponseEnd(controller, {});
    return true;
  }
}

/** Makes a function that calls a dispatcher as a client does, and waits for the end. */
function makeCall(origin) {
  const bare = { origin, path: "/users", method: "GET", headers: null, body: null };
  return (dispatcher, headers) =>
    new Promise((resolve, reject) => {
      const request = headers === undefined ? bare : { ...bare, headers };
      dispatcher.dispatch(request, new Ending(resolve, reject));
    });
}

class Ending {
  #resolve;
  #reject;
  constructor(resolve, reject) {
    this.#resolve = resolve;
    this.#reject = reject;
  }
  onRequestStart() {}
  onResponseStart() {}
  onResponseData() {}
  onResponseEnd() {
    this.#resolve();
  }
  onResponseError(_controller, error) {
    this.#reject(error);
  }
}
