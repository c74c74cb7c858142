import { isTalkdeskError, type TokenSource } from "@talkdesk-oauth/core";
import { LoginFailure } from "./answers/login-failure.js";
import { checkFunction } from "./base/option-names.js";
import { loginInSteps, type Visit } from "./login.js";
import type { TalkdeskLoginOptions } from "./routes/login-options.js";
import type { SignedInUser, SignIn } from "./session/login-records.js";
import {
  type LoginRecords,
  type LoginSession,
  loadedRecords,
  type OpenSession,
} from "./session/login-session.js";
import { noteSession, onceForEach } from "./session/request-session.js";
import { storedSession } from "./session/stored-session.js";

/** What {@link frameworkLogin} needs of a web framework, and the options that its package adds to those of a login. */
export interface FrameworkCalls<Host, OnError> {
  /** The option `session`: the session of a request, for an app that has sessions of its own. */
  readonly session?: ((host: Host) => LoginSession) | undefined;
  /**
   * The option `onError`, which answers a failed login in place of the page. By convention its first argument is the
   * {@link LoginFailure}; those of the framework's handlers follow.
   */
  readonly onError?: OnError | undefined;
  /** Opens the framework's own session; undefined in an app without one. Default: there are none. */
  openSession?(host: Host): OpenSession | undefined;
  /**
   * The records of the framework's own session, where they are loaded with each request: `loaded` of
   * {@link serverSession}. With it, a request that is not for the login does without opening its session. Default:
   * the session is opened and asked.
   */
  loadedRecords?(host: Host): LoginRecords | undefined;
  /** The headers of a request, for the cookie of `storedSession`, which serves apps without other sessions. */
  headers(host: Host): { get(name: string): string | null };
}

/** What became of a request to a login. All is undefined when the request is not for the login. */
export interface LoginOutcome<OnError> {
  /** The answer to send: of the login, or the page of a failure. */
  readonly answer?: Response | undefined;
  /**
   * The failure of a login. Without an `answer` it is up to the app: set {@link PRIVATE_HEADERS} where the framework
   * can, and call `onError`, or throw `failure.error`.
   */
  readonly failure?: LoginFailure | undefined;
  /** The option `onError`, when it is to answer: the failure is a `TalkdeskError` and not a fault of the app. */
  readonly onError?: OnError | undefined;
}

/** Who is signed in by a login, for requests of a web framework. */
export interface SignedInUsers<Host> {
  /**
   * The tokens of the user who is signed in, for `talkdesk(login.source)`; undefined when nobody is. The token store
   * decides: it is asked at most every ten seconds for each sign-in and process. All requests of one sign-in share one
   * session in this process, so that they cause one refresh.
   */
  readonly source: (host: Host) => Promise<TokenSource | undefined>;
  /**
   * The user who is signed in, as the ID token said (scope `openid`); undefined when nobody is, or without an ID token.
   * The token store decides, as for `source`.
   */
  readonly user: (host: Host) => Promise<SignedInUser | undefined>;
}

/** A login as the package of a web framework mounts it. */
export interface FrameworkLogin<Host, OnError> extends SignedInUsers<Host> {
  /** The session of a request. It is opened once. */
  open(host: Host): OpenSession;
  /** Answers a request to one of the login's routes, and commits its session. */
  answer(visit: Omit<Visit<Host>, "session">): Promise<LoginOutcome<OnError>>;
}

/**
 * Makes a login for the package of a web framework: `talkdeskLogin`, with a session for each request.
 *
 * The session is that of the option `session`, or that of the framework, or else a {@link storedSession} over `store`,
 * whose cookie is `Secure` when `redirectUri` is https.
 *
 * @throws TypeError for an unknown option, and for one that cannot be used.
 * @example
 * const login = frameworkLogin(
 *   { client, redirectUri, store, contact: "help@example.com" },
 *   { headers: (request: Request) => request.headers },
 * );
 * const { answer, failure } = await login.answer({ request, mount: "/auth", host: request });
 * if (answer !== undefined) return answer;
 * if (failure !== undefined) throw failure.error;
 */
export function frameworkLogin<Host extends object, OnError>(
  options: TalkdeskLoginOptions<Host>,
  calls: FrameworkCalls<Host, OnError>,
): FrameworkLogin<Host, OnError> {
  const { session: ownSession, onError } = calls;
  checkFunction("session", ownSession);
  checkFunction("onError", onError);
  const login = loginInSteps<Host>(options);
  const { store } = login;
  const openStored = storedSession({ store, secure: new URL(options.redirectUri).protocol === "https:" });

  const open = onceForEach<Host, OpenSession>((host) => {
    if (ownSession !== undefined) return { session: ownSession(host), commit: (answer) => answer };
    return calls.openSession?.(host) ?? openStored({ headers: calls.headers(host) });
  });

  /** Finds the sign-in without opening the session where its records are in memory. Most requests need no more of it. */
  function findSignIn(host: Host): SignIn | undefined | Promise<SignIn | undefined> {
    const sessionOf = (): LoginSession => open(host).session;
    const records =
      (ownSession === undefined ? calls.loadedRecords?.(host) : undefined) ?? loadedRecords(sessionOf());
    return records instanceof Promise
      ? records.then((read) => login.findSignIn(read, sessionOf))
      : login.findSignIn(records, sessionOf);
  }

  return {
    open,
    async answer(visit) {
      const { session, commit } = open(visit.host);
      try {
        const answer = await login.handle({ ...visit, session });
        return answer === undefined ? {} : { answer: commit(answer) };
      } catch (failure) {
        if (!(failure instanceof LoginFailure)) throw failure;
        if (isTalkdeskError(failure.error) && onError !== undefined) return { failure, onError };
        const page = commit(failure.response());
        return isTalkdeskError(failure.error) ? { answer: page, failure } : { failure };
      }
    },
    async source(host) {
      noteSession(host, open);
      const signIn = findSignIn(host);
      return login.sourceOf(signIn instanceof Promise ? await signIn : signIn, host);
    },
    async user(host) {
      return login.userOf(await findSignIn(host));
    },
  };
}
