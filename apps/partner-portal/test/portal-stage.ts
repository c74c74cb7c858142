import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { clientSecretBasic, type TalkdeskClient, talkdeskClient } from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import session from "express-session";
import { createPortal, type PortalOptions } from "../src/portal.js";

/** A portal that listens, and the Talkdesk behind it. */
export interface PortalStage extends AsyncDisposable {
  readonly origin: string;
  readonly talkdesk: Emulator;
  readonly client: TalkdeskClient;
  readonly sessions: session.MemoryStore;
  /** What the portal says of failures, to whoever reads its log. */
  readonly log: string[];
}

/** What differs from the usual stage. */
export interface StageOptions extends Partial<PortalOptions> {
  /** `page` asks who signs in; default `automatic`: the first user. */
  readonly login?: "automatic" | "page";
  readonly reportPolls?: number;
}

/** Starts a portal whose reports are made in no time. */
export async function openStage({
  login = "automatic",
  reportPolls = 2,
  ...options
}: StageOptions = {}): Promise<PortalStage> {
  const talkdesk = await startEmulator({
    ...(login === "page" && { login }),
    reportPolls,
    reportRows: 2_000,
  });
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // Another site than the emulator's, as in reality.
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const { clientId, clientSecret } = talkdesk.clients.add({
    redirectUris: [`${options.origin ?? origin}/auth/callback`],
  });
  const client = talkdeskClient({
    endpoints: talkdesk.endpoints(),
    authentication: clientSecretBasic({ clientId, clientSecret }),
  });
  const sessions = new session.MemoryStore();
  const log: string[] = [];
  const portal = createPortal({
    client,
    origin,
    sessionSecret: "a secret of the tests",
    contact: "help@example.com",
    sessionStore: sessions,
    reportWaits: { firstMs: 50, longestMs: 100, totalMs: 10_000 },
    onFailure: (error) => log.push(inspect(error, { depth: 10, showHidden: true })),
    ...options,
  });
  server.on("request", portal);
  return {
    origin,
    talkdesk,
    client,
    sessions,
    log,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await talkdesk.stop();
    },
  };
}
