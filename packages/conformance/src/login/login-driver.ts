import type { RequestListener } from "node:http";
import type {
  AccessToken,
  Scope,
  TalkdeskClient,
  TokenEvent,
  TokenSource,
  TokenStore,
} from "@talkdesk-oauth/core";

/** The user who is signed in, as the package under test says it. */
export interface LoginUser {
  /** The user's id at Talkdesk. */
  readonly sub: string;
  /** The full name. */
  readonly name?: string;
  /** The e-mail address. */
  readonly email?: string;
  /** The AppConnect installation that the user came from. */
  readonly installationId?: string;
}

/** The options of `talkdeskLogin`. A driver passes them on as they are. */
export interface LoginOptions {
  /** The first argument of the function is whatever the package passes: the framework's own request. */
  readonly client:
    | TalkdeskClient
    | ((
        request: unknown,
        launch: { readonly installationId?: string },
      ) => TalkdeskClient | Promise<TalkdeskClient>);
  /** The option `redirectUri`. */
  readonly redirectUri: string;
  /** The option `scope`. */
  readonly scope?: Scope;
  /** The option `store`. */
  readonly store: TokenStore;
  /** The option `contact`. */
  readonly contact: string;
  /** The option `pkce`. */
  readonly pkce?: boolean;
  /** The option `issuers`. */
  readonly issuers?: readonly string[];
  /** The option `maxIdleMs`. */
  readonly maxIdleMs?: number;
  /** The option `keepSession`. */
  readonly keepSession?: boolean | readonly string[];
  /** The option `endTalkdeskSession`. */
  readonly endTalkdeskSession?: TokenSource;
  /** The option `onEvent`. */
  readonly onEvent?: (event: TokenEvent) => void;
}

/** One login of the app, and the path where its routes are mounted. */
export interface MountedLogin {
  /** Such as `/auth`; empty for the root of the app. */
  readonly mount: string;
  /** What the login is made with. */
  readonly options: LoginOptions;
}

/** The parts of one request that a driver passes to the page that answers it. */
export interface PageVisit {
  /**
   * The object that the package puts on the request, such as `req.talkdesk`: the tokens of the first login's user;
   * undefined when nobody is signed in.
   */
  readonly talkdesk: { readonly fetch: typeof fetch; getToken(): Promise<AccessToken> } | undefined;
  /** Asks a login who is signed in: `login.user(…)` of the login at this place in {@link LoginSetup.logins}. */
  user(login: number): LoginUser | undefined | Promise<LoginUser | undefined>;
  /**
   * The app's own data in the session, such as `req.session`: a member that the page sets is stored at the end of the
   * request. Present unless the capability `holdsAppData` is false.
   */
  readonly data?: Record<string, unknown>;
}

/** One page of the app. The driver mounts it for every method. */
export interface LoginPage {
  /** The path of the page, such as `/page`. */
  readonly path: string;
  /** True for a page behind `requireLogin()`. */
  readonly isProtected: boolean;
  /** Gives what to answer as JSON. A rejection is the framework's to pass to its error handler. */
  answer(visit: PageVisit): Promise<{ readonly status: number; readonly body: unknown }>;
}

/** The app that a driver makes. */
export interface LoginSetup {
  /** The logins to mount, one for most tests. The first one names the tokens of each request. */
  readonly logins: readonly [MountedLogin, ...MountedLogin[]];
  /** The option `login` of `requireLogin()` and of `talkdeskErrorHandler()`. */
  readonly login: string;
  /** Where sessions live. Two apps with the same `sessions` share them, as two processes would. */
  readonly sessions: TokenStore;
  /**
   * True when browsers reach the app over TLS, at a proxy that says so in `X-Forwarded-Proto`: the session's cookie must
   * be `Secure`. False on loopback, where it cannot be.
   */
  readonly isSecure: boolean;
  /** Mount them behind the logins. */
  readonly pages: readonly LoginPage[];
  /** Takes each error that the package does not answer. The driver calls it and answers 500, as the app would. */
  unanswered(error: unknown): void;
}

/** An app, made by a driver. It does not listen: the suite does. */
export interface LoginApp {
  /** Answers one request, as the listener of an `http.Server`. */
  readonly listener: RequestListener;
  /** Objects that an app could print by mistake: the logins, and the middleware made from them. No secret may show. */
  readonly parts: readonly unknown[];
  /** Frees what the app holds. Called when the test is over. */
  close?(): void | Promise<void>;
}

/**
 * Makes an app with the login under test, in one framework. A driver asserts nothing and repairs nothing. Called once
 * for each test, and again for each further process of the app.
 */
export type LoginDriver = (setup: LoginSetup) => LoginApp | Promise<LoginApp>;

/** Facts about a framework's sessions. A test that one of them rules out is reported as skipped. */
export interface LoginCapabilities {
  /** False when the session holds nothing but the login, as `storedSession` does. Default true. */
  readonly holdsAppData?: boolean;
}
