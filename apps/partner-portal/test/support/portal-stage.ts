import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { type Clock, clientSecretBasic, type TalkdeskClient, talkdeskClient } from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import type { Express } from "express";
import session from "express-session";
import { createPortal, type PortalOptions } from "../../src/portal.js";

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
  /** What the portal's tokens age by. */
  readonly clock?: Clock;
}

/** An address that answers, to which a portal can be given later. */
interface Address extends AsyncDisposable {
  readonly origin: string;
  serve(portal: Express): void;
}

async function openAddress(): Promise<Address> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    // Another site than the emulator's, as in reality.
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    serve: (portal) => server.on("request", portal),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Serves one more portal, such as a second process behind the same address would be. */
export async function servePortal(
  options: PortalOptions,
): Promise<Pick<Address, "origin"> & AsyncDisposable> {
  const address = await openAddress();
  address.serve(createPortal(options));
  return address;
}

/** What signs the cookies of every portal of the tests. */
export const sessionSecret = "a secret of the tests, for cookies";

/** Starts a portal whose reports are made in no time. */
export async function openStage({
  login = "automatic",
  reportPolls = 2,
  clock,
  ...options
}: StageOptions = {}): Promise<PortalStage> {
  const talkdesk = await startEmulator({
    ...(login === "page" && { login }),
    reportPolls,
    reportRows: 2_000,
  });
  const address = await openAddress();
  const { origin } = address;
  const { clientId, clientSecret } = talkdesk.clients.add({
    redirectUris: [`${options.origin ?? origin}/auth/callback`],
  });
  const client = talkdeskClient({
    endpoints: talkdesk.endpoints(),
    authentication: clientSecretBasic({ clientId, clientSecret }),
    ...(clock && { clock }),
  });
  const sessions = new session.MemoryStore();
  const log: string[] = [];
  const portal = createPortal({
    client,
    origin,
    sessionSecret,
    contact: "help@example.com",
    sessionStore: sessions,
    reportWaits: { firstMs: 50, longestMs: 100, totalMs: 60_000 },
    onFailure: (error) => log.push(inspect(error, { depth: 10, showHidden: true })),
    ...options,
  });
  address.serve(portal);
  return {
    origin,
    talkdesk,
    client,
    sessions,
    log,
    async [Symbol.asyncDispose]() {
      await address[Symbol.asyncDispose]();
      await talkdesk.stop();
    },
  };
}
