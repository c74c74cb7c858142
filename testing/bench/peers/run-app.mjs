// Signs a user in to one Express app, and measures requests of that user without a network, in a process of its own:
// `node run-app.mjs talkdesk-express https://localhost:…`
import { IncomingMessage, ServerResponse } from "node:http";
import { Writable } from "node:stream";

const [name, origin] = process.argv.slice(2);
const { makeApp } = await import(`./apps/${name}.mjs`);
const app = makeApp({ origin, clientId: "bench", clientSecret: "secret-of-the-bench" });
const socket = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
  remoteAddress: "127.0.0.1",
});
const cookies = new Map();

const begun = await visit("/login");
const authorization = new URL(begun.getHeader("location"), "http://localhost");
if (authorization.origin === origin) await fetch(authorization);
await visit(`/callback?code=a-code&state=${authorization.searchParams.get("state")}`);
await expectUsers();

const [before, count] = [3_000, 6_000];
for (let i = 0; i < before; i++) await expectUsers();
const cpu = process.cpuUsage();
const startedAt = performance.now();
for (let i = 0; i < count; i++) await expectUsers();
const us = ((performance.now() - startedAt) * 1000) / count;
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ us, cpuUs: (user + system) / count }));
process.exit();

async function expectUsers() {
  const { statusCode } = await visit("/users");
  if (statusCode !== 200) throw new Error(`A user who has signed in is answered with ${statusCode}.`);
}

/** Calls the app with Node's own request and response, as a server does, and keeps the cookies as a browser does. */
function visit(url) {
  return new Promise((resolve) => {
    const request = new IncomingMessage(socket);
    const cookie = [...cookies].map(([key, value]) => `${key}=${value}`).join("; ");
    const headers = { host: "localhost", accept: "text/html", ...(cookie && { cookie }) };
    Object.assign(request, { method: "GET", url, headers });
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.on("finish", () => {
      for (const set of [response.getHeader("set-cookie") ?? []].flat()) {
        const [, key, value] = /^([^=]+)=([^;]*)/.exec(set);
        if (value === "") cookies.delete(key);
        else cookies.set(key, value);
      }
      response.detachSocket(socket);
      response.emit("close");
      resolve(response);
    });
    app(request, response);
  });
}
