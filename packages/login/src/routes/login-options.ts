import {
  checkIssuers,
  checkLoginClient,
  checkRedirectUri,
  checkScope,
  checkTokenStore,
  parseSecureUrl,
  type Scope,
  type TalkdeskClient,
  type TokenEvent,
  type TokenSource,
  type TokenStore,
} from "@talkdesk-oauth/core";
import { checkFunction, checkOptionNames } from "../base/option-names.js";
import { checkKeepSession } from "../session/kept-members.js";
import { isTokenSource } from "../tokens/source-choice.js";

/** The AppConnect launch that a login began with. */
export interface LoginLaunch {
  /**
   * The AppConnect installation that the launch named. Anybody can send any id, so trust only the credentials that you
   * find under it.
   */
  readonly installationId?: string;
}

/**
 * Chooses the client of a login.
 *
 * @param host The web framework's own request: {@link Visit.host}.
 */
export type ClientOfLogin<Host> = (
  host: Host,
  launch: LoginLaunch,
) => TalkdeskClient | Promise<TalkdeskClient>;

/** Options of {@link talkdeskLogin}. */
export interface TalkdeskLoginOptions<Host = undefined> {
  /**
   * The client that users sign in with; or, for AppConnect, a function that chooses it. After a restart, the function
   * is called again for each user, with the installation that the login began with.
   */
  readonly client: TalkdeskClient | ClientOfLogin<Host>;
  /**
   * The redirect URI, as registered with Talkdesk: the public address of `/callback` beneath the path where the login
   * is mounted. Each login of an app needs its own, since sessions tell logins apart by it.
   */
  readonly redirectUri: string;
  /** `refresh_token` lets a session outlive its first token, `openid` names the user. Default: the client's. */
  readonly scope?: Scope;
  /** Where tokens live. Several processes need one that they share. */
  readonly store: TokenStore;
  /** The contact shown when a login fails: an e-mail address, an https address, or any text. Talkdesk requires it. */
  readonly contact: string;
  /** True to send a PKCE challenge, which Talkdesk does not document. Default: as in `startAuthorization`. */
  readonly pkce?: boolean;
  /** The accepted issuers of ID tokens. Default: as in `finishAuthorization`. */
  readonly issuers?: readonly string[];
  /**
   * Which members of the app's own session outlive a login: none (false), all (true), or those named. A login gives the
   * browser a new session. Keep members that belong to the user, such as the id of the app's own user, and none that an
   * attacker may have set. Default false.
   */
  readonly keepSession?: boolean | readonly string[];
  /**
   * How long unused tokens stay in the token store, in milliseconds. Choose more than the lifetime of a browser's
   * session. Default: as in `userSession`, 30 days.
   */
  readonly maxIdleMs?: number;
  /**
   * The tokens that end the session of a user at Talkdesk itself, after a logout has ended the app's own: as a rule
   * `clientCredentials` with the scope `user-session-public:end`. The next login then asks for a password. It belongs to
   * the account of one client, so `client` cannot be a function. The user's id is asked of `GET /users/me` at each login,
   * so `scope`, if given, must have `openid`. The login does not close the source. Default: the session at Talkdesk goes on.
   */
  readonly endTalkdeskSession?: TokenSource;
  /** Called with every token event of all users. Errors that it throws are ignored. */
  readonly onEvent?: (event: TokenEvent) => void;
}

const NAMES: Readonly<Record<keyof TalkdeskLoginOptions, true>> = {
  client: true,
  redirectUri: true,
  scope: true,
  store: true,
  contact: true,
  pkce: true,
  issuers: true,
  keepSession: true,
  maxIdleMs: true,
  endTalkdeskSession: true,
  onEvent: true,
};

/** @throws TypeError for an option that cannot be used. The message names the option. */
export function checkLoginOptions<Host>(options: TalkdeskLoginOptions<Host>): void {
  checkOptionNames("talkdeskLogin()", options, Object.keys(NAMES));
  const { client, redirectUri, scope, store, contact, pkce, issuers } = options;
  if (typeof client !== "function") checkLoginClient(client);
  checkRedirectUri(redirectUri);
  if (new URL(redirectUri).pathname.endsWith("/")) {
    throw new TypeError(
      "redirectUri must be the absolute URL of the callback, such as https://app.example.com/auth/callback, without a trailing slash.",
    );
  }
  if (scope !== undefined) checkScope(scope);
  checkTokenStore(store);
  if (typeof contact !== "string" || contact.trim() === "") {
    throw new TypeError("contact must be the contact for users whose login fails, such as help@example.com.");
  }
  if (pkce !== undefined && typeof pkce !== "boolean") throw new TypeError("pkce must be true or false.");
  if (issuers !== undefined) checkIssuers(issuers);
  const { keepSession, maxIdleMs, onEvent } = options;
  if (keepSession !== undefined) checkKeepSession(keepSession);
  if (maxIdleMs !== undefined && !(Number.isFinite(maxIdleMs) && maxIdleMs > 0)) {
    throw new TypeError("maxIdleMs must be a number of milliseconds above 0.");
  }
  checkFunction("onEvent", onEvent);
  if (options.endTalkdeskSession !== undefined) checkSessionEnd(options.endTalkdeskSession, options);
}

function checkSessionEnd<Host>(source: unknown, { client, scope }: TalkdeskLoginOptions<Host>): void {
  if (!isTokenSource(source) || source.identity === undefined) {
    throw new TypeError(
      'endTalkdeskSession must be a token source that names its identity host, such as clientCredentials(client, { scope: "user-session-public:end" }).',
    );
  }
  parseSecureUrl(source.identity, "endTalkdeskSession.identity");
  if (typeof client === "function") {
    throw new TypeError(
      "endTalkdeskSession must be absent when client is a function, since a source ends sessions in one account only.",
    );
  }
  if (scope !== undefined && ![scope].flat().join(" ").split(" ").includes("openid")) {
    throw new TypeError("endTalkdeskSession needs openid in scope, without which no user id is known.");
  }
}
