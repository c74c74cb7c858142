import { Agent, type IncomingHttpHeaders, request } from "node:http";
import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  type TalkdeskClient,
  type TalkdeskClientOptions,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import type { Express } from "express";
import { collecting, type Framework, type Served, serve } from "./served.js";

/** An answer, read. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** How to ask; by default a GET that says nothing of what it would like. */
interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
  /** The client goes away when it aborts. */
  readonly signal?: AbortSignal;
}

/** An app that listens, and what reached its last error handler. */
export interface App extends Served {
  readonly errors: unknown[];
  ask(path: string, question?: Question): Promise<Answer>;
}

/** Opens an app, whose last error handler collects what no other has answered. */
export async function openApp(framework: Framework, build: (app: Express) => void): Promise<App> {
  const errors: unknown[] = [];
  const served = await serve(() => {
    const app = framework();
    build(app);
    app.use(collecting(errors));
    return app;
  });
  return { ...served, errors, ask: (path, question) => ask(`${served.origin}${path}`, question) };
}

/** Asks once, over a connection of its own unless an agent is given. */
function ask(
  url: string,
  { method = "GET", headers = {}, agent = new Agent(), signal }: Question = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent, ...(signal && { signal }) }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** What browsers say that they would like, and programs. */
export const ACCEPT = {
  chrome:
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
  firefox: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  safari: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  anything: "*/*",
  json: "application/json",
  axios: "application/json, text/plain, */*",
  problem: "application/problem+json",
  image: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
} as const;

/** A Talkdesk, and clients of it. */
export interface TalkdeskStage extends AsyncDisposable {
  readonly talkdesk: Emulator;
  readonly clientSecret: string;
  client(options?: Partial<TalkdeskClientOptions>): TalkdeskClient;
  /** A source of tokens that nobody else has asked. */
  source(options?: Partial<TalkdeskClientOptions>): ClosableTokenSource;
  /** A source whose token calls wait until they are let go. */
  heldSource(): HeldSource;
}

interface HeldSource {
  readonly source: ClosableTokenSource;
  /** Resolves when a token call waits. */
  readonly asked: Promise<void>;
  letGo(): void;
}

export async function startTalkdesk(): Promise<TalkdeskStage> {
  const talkdesk = await startEmulator();
  const { clientId, clientSecret } = talkdesk.clients.add();
  const client = (options: Partial<TalkdeskClientOptions> = {}): TalkdeskClient =>
    talkdeskClient({
      endpoints: talkdesk.endpoints(),
      authentication: clientSecretBasic({ clientId, clientSecret }),
      ...options,
    });
  const source = (options?: Partial<TalkdeskClientOptions>): ClosableTokenSource =>
    clientCredentials(client(options));
  return {
    talkdesk,
    clientSecret,
    client,
    source,
    heldSource() {
      const asked = signalled();
      const released = signalled();
      return {
        source: source({
          async fetch(input, init) {
            asked.give();
            await released.given;
            return fetch(input, init);
          },
        }),
        asked: asked.given,
        letGo: released.give,
      };
    },
    [Symbol.asyncDispose]: () => talkdesk.stop(),
  };
}

/** Something that happens once, and whoever waits for it. */
export function signalled<T = void>(): { readonly given: Promise<T>; give(value: T): void } {
  let give: (value: T) => void = () => {};
  const given = new Promise<T>((resolve) => {
    give = resolve;
  });
  return { given, give };
}
