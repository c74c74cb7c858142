import { IncomingMessage, ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { browserHeaders, expressApps } from "./express-apps.mjs";
import { bestOf, ROUNDS } from "./own-cost.mjs";

/** Measures the same apps without a network: the request is made here and the response is dropped. */
export async function expressOwnCost() {
  const calls = {};
  for (const [name, makeApp] of Object.entries(expressApps)) {
    const app = makeApp();
    calls[name] = makeCall(app, await browserHeaders(app));
  }
  const costs = await bestOf(calls);
  const lines = [`A request to Express and no network (best of ${ROUNDS} rounds in turns)`];
  for (const [name, ns] of Object.entries(costs)) {
    const floor = name.includes("login") ? "express-session" : "bare";
    const more = name === "bare" ? "" : `   ${Math.round(ns - costs[floor])} ns more than ${floor}`;
    lines.push(`  ${name.padEnd(52)} ${ns.toFixed(0).padStart(6)} ns${more}`);
  }
  return lines;
}

/** Makes a function that calls an app with Node's own request and response, as a server does. */
function makeCall(app, headers) {
  const socket = new Writable({ write: (_chunk, _encoding, callback) => callback() });
  return () =>
    new Promise((resolve, reject) => {
      const request = new IncomingMessage(socket);
      Object.assign(request, { method: "GET", url: "/users", headers: { host: "localhost", ...headers } });
      const response = new ServerResponse(request);
      response.assignSocket(socket);
      response.on("finish", () => {
        response.detachSocket(socket);
        response.emit("close");
        if (response.statusCode === 200) resolve();
        else reject(new Error(`The app answers with ${response.statusCode}.`));
      });
      app(request, response);
    });
}
