import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Clock,
  clientSecretBasic,
  type TalkdeskClient,
  type TalkdeskClientOptions,
  type TokenEvent,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { type Emulator, type EmulatorOptions, startEmulator } from "@talkdesk-oauth/emulator";
import { type Browser, openBrowser } from "./browser.js";
import type {
  LoginCapabilities,
  LoginDriver,
  LoginOptions,
  LoginPage,
  LoginUser,
  MountedLogin,
} from "./login-driver.js";
import { type WatchedStore, watchedStore } from "./watched-store.js";

/** The login under test, as every group of tests gets it. */
export interface LoginSubject {
  readonly driver: LoginDriver;
  readonly capabilities: Required<LoginCapabilities>;
}

/** An app with a login, and the Talkdesk behind it. */
export interface LoginStage extends AsyncDisposable {
  /** Where the app listens. */
  readonly origin: string;
  /** Where browsers find it. */
  readonly publicOrigin: string;
  readonly talkdesk: Emulator;
  /** The client of the first login, unless the test has given another. */
  readonly client: TalkdeskClient;
  readonly tokens: WatchedStore;
  readonly sessions: WatchedStore;
  readonly events: TokenEvent[];
  /** The errors that the package under test has passed to the app's own error handler. */
  readonly errors: unknown[];
  readonly parts: readonly unknown[];
  /** Opens a browser, with the cookies of another one when given: the same browser at another process. */
  browser(cookiesOf?: Browser): Browser;
}

/** How a stage differs from the usual one. */
export interface LoginStageOptions {
  readonly emulator?: EmulatorOptions;
  readonly client?: Partial<TalkdeskClientOptions>;
  /** Options of the first login. A function gets a Talkdesk that runs, and the redirect URI. */
  readonly login?:
    | Partial<LoginOptions>
    | ((talkdesk: Emulator, redirectUri: string) => Partial<LoginOptions>);
  /** Where the first login is mounted. Default `/auth`. */
  readonly mount?: string;
  /** Where further logins are mounted. Their contact is `partners@example.com`. */
  readonly otherMounts?: readonly string[];
  /** The prefix that a proxy strips from each path before the app sees it, such as `/portal`. Default: none. */
  readonly strippedPrefix?: string;
  /** Where browsers find the app. Default: where it listens. */
  readonly publicOrigin?: string;
  readonly isSecure?: boolean;
  /** Pages beside the usual ones. */
  readonly pages?: readonly LoginPage[];
  readonly tokens?: WatchedStore;
  readonly sessions?: WatchedStore;
}

/** Opens an app in which everybody can ask who they are (`/`), and signed-in users see their user at Talkdesk (`/me`). */
export async function openLoginStage(
  { driver }: LoginSubject,
  options: LoginStageOptions = {},
): Promise<LoginStage> {
  const { mount = "/auth", otherMounts = [], strippedPrefix = "" } = options;
  const { tokens = watchedStore(), sessions = watchedStore() } = options;
  const talkdesk = await startEmulator(options.emulator);
  const served = await listen(strippedPrefix);
  const { origin } = served;
  const publicOrigin = options.publicOrigin ?? origin;
  const events: TokenEvent[] = [];
  const errors: unknown[] = [];

  const clientFor = (redirectUri: string, more?: Partial<TalkdeskClientOptions>): TalkdeskClient => {
    const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [redirectUri] });
    const authentication = clientSecretBasic({ clientId, clientSecret });
    return talkdeskClient({ endpoints: talkdesk.endpoints(), authentication, ...more });
  };
  const mounted = (at: string, client: TalkdeskClient, redirectUri: string): MountedLogin => ({
    mount: at,
    options: {
      client,
      redirectUri,
      scope: ["openid", "refresh_token", "users:read", "contacts:read"],
      store: tokens,
      contact: "help@example.com",
      onEvent: (event) => void events.push(event),
    },
  });
  const redirectUriAt = (at: string): string => `${publicOrigin}${strippedPrefix}${at}/callback`;

  const redirectUri = redirectUriAt(mount);
  const client = clientFor(redirectUri, options.client);
  const first = mounted(mount, client, redirectUri);
  const own = typeof options.login === "function" ? options.login(talkdesk, redirectUri) : options.login;
  const others = otherMounts.map((at) => {
    const { options: common } = mounted(at, clientFor(redirectUriAt(at)), redirectUriAt(at));
    return { mount: at, options: { ...common, contact: "partners@example.com" } };
  });

  const app = await driver({
    logins: [{ ...first, options: { ...first.options, ...own } }, ...others],
    login: `${strippedPrefix}${mount}/login`,
    sessions,
    isSecure: options.isSecure ?? false,
    pages: [identityPage(others.length), userPage, ...(options.pages ?? [])],
    unanswered: (error) => void errors.push(error),
  });
  served.open(app.listener);

  return {
    origin,
    publicOrigin,
    talkdesk,
    client,
    tokens,
    sessions,
    events,
    errors,
    parts: app.parts,
    browser(cookiesOf) {
      const browser = openBrowser({ origin, publicOrigin, mount: `${strippedPrefix}${mount}` });
      for (const [name, value] of cookiesOf?.cookies ?? []) browser.cookies.set(name, value);
      return browser;
    },
    async [Symbol.asyncDispose]() {
      await served.close();
      await app.close?.();
      await talkdesk.stop();
    },
  };
}

/** Opens another process of an app, as it were: the same driver again, on the same stores and in front of the same Talkdesk. */
export const openAnotherStage = (
  subject: LoginSubject,
  first: LoginStage,
  options: LoginStageOptions = {},
): Promise<LoginStage> =>
  openLoginStage(subject, {
    sessions: first.sessions,
    tokens: first.tokens,
    publicOrigin: first.publicOrigin,
    ...options,
    client: {
      endpoints: first.talkdesk.endpoints(),
      authentication: first.client.authentication,
      ...options.client,
    },
  });

const identityPage = (otherLogins: number): LoginPage => ({
  path: "/",
  isProtected: false,
  async answer({ talkdesk, user }) {
    const others: boolean[] = [];
    for (let login = 1; login <= otherLogins; login++) others.push((await user(login)) !== undefined);
    return {
      status: 200,
      body: { isSignedIn: talkdesk !== undefined, user: (await user(0)) ?? null, others },
    };
  },
});

const userPage: LoginPage = {
  path: "/me",
  isProtected: true,
  async answer({ talkdesk }) {
    if (talkdesk === undefined) throw new Error("A page behind requireLogin() has no tokens.");
    const answer = await talkdesk.fetch("/users/me");
    return { status: answer.status, body: await answer.json() };
  },
};

/** Listens on a free port before there is an app, since the app must know its origin. */
async function listen(strippedPrefix: string): Promise<{
  readonly origin: string;
  open(listener: RequestListener): void;
  close(): Promise<void>;
}> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    // Another site than the emulator's, as in reality.
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    open(listener) {
      server.on("request", (request, response) => {
        // As a proxy would have sent it.
        if (request.url?.startsWith(`${strippedPrefix}/`)) {
          request.url = request.url.slice(strippedPrefix.length);
        }
        listener(request, response);
      });
    },
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The user who is signed in, as the app says. */
export async function whoIs(
  browser: Browser,
  path = "/",
): Promise<{
  readonly isSignedIn: boolean;
  readonly user: LoginUser | null;
  readonly others: readonly boolean[];
}> {
  return JSON.parse((await browser.visit(path)).text);
}

/** The result of {@link whoIs} when nobody is signed in. */
export const NOBODY = { isSignedIn: false, user: null, others: [] } as const;

/** The address of the user at Talkdesk, as the API gives it to the app. */
export async function emailOf(browser: Browser): Promise<unknown> {
  return JSON.parse((await browser.visit("/me")).text).email;
}

export const signOut = (browser: Browser): ReturnType<Browser["visit"]> =>
  browser.visit("/auth/logout", { method: "POST" });

/** The grants that Talkdesk was asked for, in order. */
export const grantsOf = ({ talkdesk: { requests } }: Pick<LoginStage, "talkdesk">): (string | null)[] =>
  requests.to("token").map(({ form }) => form.get("grant_type"));

/** The sessions in their store, as texts. */
export const sessionTexts = ({ sessions }: Pick<LoginStage, "sessions">): string[] => [
  ...sessions.records.values(),
];

/** The error code that a page shows. */
export const codeOf = ({ text }: { readonly text: string }): string | undefined =>
  /Code: (\w+)/.exec(text)?.[1];

/** The link of a page back to the login, as `returnTo` and the other parameters that follow `login`. */
export const restartOf = ({ text }: { readonly text: string }): string | undefined =>
  /<a href="(?:[^"]*\/)?login([^"]*)"/.exec(text)?.[1]?.replaceAll("&amp;", "&");

/** The platform's clock, ahead by as much as a test says. */
export interface ClockAhead extends Clock {
  aheadMs: number;
}

export function clockAhead(): ClockAhead {
  const clock: ClockAhead = {
    aheadMs: 0,
    now: () => Date.now() + clock.aheadMs,
    monotonic: () => performance.now() + clock.aheadMs,
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
    clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  };
  return clock;
}

/** Later than the end of the emulator's access tokens, which live for 599 seconds. */
export const AFTER_TOKENS_END_MS = 700_000;

/** A place where work waits until a test lets it go on. */
export interface Gate {
  /** Resolves when some work waits. */
  readonly isReached: Promise<void>;
  pass(): Promise<void>;
  open(): void;
}

export function gate(): Gate {
  let reach = (): void => {};
  let open = (): void => {};
  const isReached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const isOpen = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    isReached,
    pass() {
      reach();
      return isOpen;
    },
    open,
  };
}
