// `npm run hello-login`: runs the app hello-login, with an emulator of Talkdesk unless a TALKDESK_ variable is set.
import { once } from "node:events";
import { createServer } from "node:net";
import { buildApp, startApp } from "./run-app.mjs";
import { root } from "./workspace.mjs";

const DEFAULT_PORT = 3000;

/** Runs the app against an emulator, which needs no account. */
async function runWithEmulator() {
  const { startEmulator } = await import(`${root}/packages/emulator/dist/index.js`);
  const talkdesk = await startEmulator({ login: "page" });
  try {
    const port = process.env.PORT || String(await findPort());
    const redirectUris = [`http://localhost:${port}/auth/callback`];
    const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris });
    console.log("The app uses an emulator of Talkdesk on this machine. You can sign in as any of its users.");
    console.log("Press Ctrl-C to stop both.");
    return await startApp("hello-login", [], {
      ...process.env,
      ...talkdesk.environment(),
      TALKDESK_CLIENT_ID: clientId,
      TALKDESK_CLIENT_SECRET: clientSecret,
      PORT: port,
    });
  } finally {
    await talkdesk.stop();
  }
}

/** Finds a port on which nothing listens: the default one, or any other. */
async function findPort() {
  for (const wanted of [DEFAULT_PORT, 0]) {
    const server = createServer().listen(wanted);
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    server.close();
    await once(server, "close");
    return port;
  }
  throw new Error("No port is free.");
}

const hasAccount = Object.entries(process.env).some(([name, value]) => name.startsWith("TALKDESK_") && value);
if (!buildApp("hello-login")) process.exitCode = 1;
else process.exitCode = await (hasAccount ? startApp("hello-login") : runWithEmulator());
