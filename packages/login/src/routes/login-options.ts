import {
  checkIssuers,
  checkLoginClient,
  checkRedirectUri,
  checkScope,
  checkTokenStore,
  type Scope,
  type TalkdeskClient,
  type TokenEvent,
  type TokenStore,
} from "@talkdesk-oauth/core";
import { checkOptionNames } from "../base/option-names.js";
import { checkKeepSession } from "../session/kept-members.js";

/** The launch that a login began with. */
export interface LoginLaunch {
  /** The AppConnect installation that the launch named. Anybody can name any: look its credentials up, and trust only those. */
  readonly installationId?: string;
}

/**
 * Chooses the client of a login.
 *
 * @param host What the web framework knows of the request: {@link Visit.host}.
 */
export type ClientOfLogin<Host> = (
  host: Host,
  launch: LoginLaunch,
) => TalkdeskClient | Promise<TalkdeskClient>;

/** Options of {@link talkdeskLogin}. */
export interface TalkdeskLoginOptions<Host = undefined> {
  /**
   * The client that users sign in with; or a function that chooses it, for AppConnect. The function is called again for
   * each user after a restart, with the installation that the login began with.
   */
  readonly client: TalkdeskClient | ClientOfLogin<Host>;
  /**
   * Where users come back to, as registered with Talkdesk: the public address of `/callback` beneath the path where the
   * login is mounted. Each login of an app needs its own, since sessions keep logins apart by it.
   */
  readonly redirectUri: string;
  /** `refresh_token` lets a session outlive its first token, `openid` names the user. Default: the client's. */
  readonly scope?: Scope;
  /** Where tokens live. Several processes need one that they share. */
  readonly store: TokenStore;
  /** The contact shown when a login fails: an e-mail address, an https address, or any text. Talkdesk requires it. */
  readonly contact: string;
  /** True to send a PKCE challenge, which Talkdesk does not document. Default: that of `startAuthorization`. */
  readonly pkce?: boolean;
  /** The issuers that ID tokens may have. Default: that of `finishAuthorization`. */
  readonly issuers?: readonly string[];
  /**
   * What of the app's own session outlives a login: nothing (false), everything (true), or the members of these names.
   * A login gives the browser a new session. Keep what belongs to the person, such as the id of the app's own user, and
   * nothing that a stranger may have put there. Default false.
   */
  readonly keepSession?: boolean | readonly string[];
  /**
   * How long a sign-in may lie unused in the token store, in milliseconds; it is removed afterwards. Choose more than the
   * lifetime of a browser's session. Default: that of `userSession`, 30 days.
   */
  readonly maxIdleMs?: number;
  /** Called with every event of the tokens of all users. Errors that it throws are ignored. */
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
  onEvent: true,
};

/** @throws TypeError for an option that could not be used, saying which. */
export function checkLoginOptions<Host>(options: TalkdeskLoginOptions<Host>): void {
  checkOptionNames("talkdeskLogin()", options, Object.keys(NAMES));
  const { client, redirectUri, scope, store, contact, pkce, issuers } = options;
  if (typeof client !== "function") checkLoginClient(client);
  checkRedirectUri(redirectUri);
  if (new URL(redirectUri).pathname.endsWith("/")) {
    throw new TypeError(
      "redirectUri must be the whole address of the callback, such as https://app.example.com/auth/callback, without a slash at its end.",
    );
  }
  if (scope !== undefined) checkScope(scope);
  checkTokenStore(store);
  if (typeof contact !== "string" || contact.trim() === "") {
    throw new TypeError("contact must say who helps when a login fails, such as an e-mail address.");
  }
  if (pkce !== undefined && typeof pkce !== "boolean") throw new TypeError("pkce must be true or false.");
  if (issuers !== undefined) checkIssuers(issuers);
  const { keepSession, maxIdleMs, onEvent } = options;
  if (keepSession !== undefined) checkKeepSession(keepSession);
  if (maxIdleMs !== undefined && !(Number.isFinite(maxIdleMs) && maxIdleMs > 0)) {
    throw new TypeError("maxIdleMs must be a number of milliseconds above 0.");
  }
  if (onEvent !== undefined && typeof onEvent !== "function") {
    throw new TypeError("onEvent must be a function.");
  }
}
