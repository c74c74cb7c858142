import {
  clientSecretBasic,
  memoryStore,
  type TalkdeskClient,
  type TalkdeskClientOptions,
  type TokenStore,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { type Emulator, type EmulatorOptions, startEmulator } from "@talkdesk-oauth/emulator";
import {
  requireLogin,
  type SignedInUser,
  type TalkdeskErrorHandlerOptions,
  type TalkdeskLogin,
  type TalkdeskLoginOptions,
  talkdesk,
  talkdeskErrorHandler,
  talkdeskLogin,
} from "@talkdesk-oauth/express";
import express, { type Express, type RequestHandler } from "express";
import session from "express-session";
import { type Browser, openBrowser } from "./browser.js";
import { collecting, type Framework, passing, serve } from "./served.js";

/** An app with a login, and the Talkdesk behind it. */
export interface LoginStage extends AsyncDisposable {
  readonly origin: string;
  readonly talkdesk: Emulator;
  readonly client: TalkdeskClient;
  readonly login: TalkdeskLogin;
  readonly sessions: session.MemoryStore;
  readonly tokens: RecordingStore;
  /** What reached the app's own error handler. */
  readonly errors: unknown[];
  browser(): Browser;
}

/** What differs from the usual stage. */
export interface LoginStageOptions {
  readonly framework?: Framework;
  readonly emulator?: EmulatorOptions;
  readonly client?: Partial<TalkdeskClientOptions>;
  /** Options of the login; as a function, of a Talkdesk that runs and the address to come back to. */
  readonly login?:
    | Partial<TalkdeskLoginOptions>
    | ((talkdesk: Emulator, redirectUri: string) => Partial<TalkdeskLoginOptions>);
  readonly session?: Partial<session.SessionOptions>;
  readonly sessions?: session.MemoryStore;
  readonly tokens?: RecordingStore;
  /** Default `/auth`. */
  readonly mount?: string;
  /** Where browsers find the app. Default: where it listens. */
  readonly publicOrigin?: string;
  /** Before everything else. */
  readonly before?: (app: Express) => void;
  /** What makes `req.session`. Default: express-session. */
  readonly sessionMiddleware?: RequestHandler;
  /** Whether the login stands before `talkdesk()`, too: its routes are then the first to look at a session. */
  readonly isLoginFirst?: boolean;
  /** Makes the login. Default: `talkdeskLogin`; or that of another copy of the package. */
  readonly makeLogin?: typeof talkdeskLogin;
  /** Options of the error handler. Default: none. */
  readonly errorHandler?: TalkdeskErrorHandlerOptions;
  /** The address that `requireLogin()` is given. Default: the login at `mount`. */
  readonly loginAddress?: string;
  /** Puts the login into the app. Default: at `mount`. */
  readonly place?: (app: Express, login: TalkdeskLogin) => void;
}

/** A store of tokens that says what is in it. */
interface RecordingStore extends TokenStore {
  readonly records: Map<string, string>;
  /** Replaced by a test that has it fail. */
  behave: (operation: keyof TokenStore, key: string) => void | Promise<void>;
}

function recordingStore(store: TokenStore = memoryStore()): RecordingStore {
  const records = new Map<string, string>();
  const recording: RecordingStore = {
    records,
    behave: () => {},
    async read(key) {
      await recording.behave("read", key);
      return store.read(key);
    },
    async write(key, value, options) {
      await recording.behave("write", key);
      const version = await store.write(key, value, options);
      if (version !== undefined) records.set(key, value);
      return version;
    },
    async delete(key) {
      await recording.behave("delete", key);
      records.delete(key);
      await store.delete(key);
    },
    async lock(key, options) {
      await recording.behave("lock", key);
      return store.lock(key, options);
    },
  };
  return recording;
}

/** Starts an app in which everybody can see who they are, and those who are signed in their user at Talkdesk. */
export async function openLoginStage(options: LoginStageOptions = {}): Promise<LoginStage> {
  const { framework = express, mount = "/auth", sessions = new session.MemoryStore() } = options;
  const { makeLogin = talkdeskLogin } = options;
  const emulator = await startEmulator(options.emulator);
  const tokens = options.tokens ?? recordingStore();
  const errors: unknown[] = [];
  let made: { readonly client: TalkdeskClient; readonly login: TalkdeskLogin } | undefined;
  const served = await serve((origin) => {
    const redirectUri = `${options.publicOrigin ?? origin}${mount}/callback`;
    const { clientId, clientSecret } = emulator.clients.add({ redirectUris: [redirectUri] });
    const client = talkdeskClient({
      endpoints: emulator.endpoints(),
      authentication: clientSecretBasic({ clientId, clientSecret }),
      ...options.client,
    });
    const login = makeLogin({
      client,
      redirectUri,
      scope: ["openid", "refresh_token", "users:read", "contacts:read"],
      store: tokens,
      contact: "help@example.com",
      ...(typeof options.login === "function" ? options.login(emulator, redirectUri) : options.login),
    });
    made = { client, login };
    const app = framework();
    options.before?.(app);
    app.use(
      options.sessionMiddleware ??
        session({
          secret: "a secret of the tests",
          resave: false,
          saveUninitialized: false,
          store: sessions,
          ...options.session,
        }),
    );
    if (options.isLoginFirst) app.use(mount, login);
    app.use(talkdesk(login.source));
    if (options.place) options.place(app, login);
    else app.use(mount, login);
    app.get(
      "/",
      passing(async (request, response) => {
        response.json({ isSignedIn: Boolean(request.talkdesk), user: (await login.user(request)) ?? null });
      }),
    );
    app.get("/remember", (request, response) => {
      Object.assign(request.session, { remembered: request.query["text"] });
      response.end();
    });
    app.get("/remembered", (request, response) => {
      response.json((request.session as { remembered?: unknown }).remembered ?? null);
    });
    app.get(
      "/me",
      requireLogin({ login: options.loginAddress ?? `${mount}/login` }),
      passing(async (request, response) => {
        const answer = await request.talkdesk.fetch("/users/me");
        response.status(answer.status).json(await answer.json());
      }),
    );
    app.use(talkdeskErrorHandler(options.errorHandler));
    app.use(collecting(errors));
    return app;
  });
  if (made === undefined) throw new Error("no app was made");
  return {
    ...made,
    origin: served.origin,
    talkdesk: emulator,
    sessions,
    tokens,
    errors,
    browser: () => openBrowser(served.origin, mount),
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await emulator.stop();
    },
  };
}

/** Who the app says is signed in. */
export async function whoIs(browser: Browser): Promise<{ isSignedIn: boolean; user: SignedInUser | null }> {
  return JSON.parse((await browser.visit("/")).text);
}

/** Another process of an app, as it were: another login on the stores of a first, and in front of the same Talkdesk. */
export const openSecondStage = (first: LoginStage, options: LoginStageOptions = {}): Promise<LoginStage> =>
  openLoginStage({
    sessions: first.sessions,
    tokens: first.tokens,
    publicOrigin: first.origin,
    ...options,
    client: {
      endpoints: first.talkdesk.endpoints(),
      authentication: first.client.authentication,
      ...options.client,
    },
  });

/** The grants that were asked for, in order. */
export const grantsOf = ({ talkdesk: { requests } }: Pick<LoginStage, "talkdesk">): (string | null)[] =>
  requests.to("token").map(({ form }) => form.get("grant_type"));

/** The sessions in their store, read. */
export const sessionsOf = ({ sessions }: Pick<LoginStage, "sessions">): Record<string, unknown>[] =>
  Object.values((sessions as unknown as { sessions: Record<string, string> }).sessions).map((text) =>
    JSON.parse(text),
  );
