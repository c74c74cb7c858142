import { checkLoginClient, type Scope, type TalkdeskClient } from "@talkdesk-oauth/core";
import { publicPath, strippedPrefix } from "../addresses/public-path.js";
import { parseReturnTo } from "../addresses/return-to.js";
import type { KeepSession } from "../session/kept-members.js";
import { recordName } from "../session/login-records.js";
import { type TalkdeskSessions, talkdeskSessions } from "../tokens/talkdesk-sessions.js";
import { type UserSources, userSources } from "../tokens/user-sources.js";
import { checkLoginOptions, type TalkdeskLoginOptions } from "./login-options.js";

/** The checked options of one login, and what its routes share. */
export interface LoginSetup<Host> {
  /** The name of its record in sessions. */
  readonly name: string;
  readonly redirectUri: string;
  /** The origin of the app, as browsers know it. */
  readonly origin: string;
  readonly contact: string;
  readonly scope?: Scope | undefined;
  readonly pkce?: boolean | undefined;
  readonly issuers?: readonly string[] | undefined;
  readonly keepSession: KeepSession;
  readonly users: UserSources;
  /** Present when a logout ends the user's session at Talkdesk, too. */
  readonly talkdeskSessions?: TalkdeskSessions;
  /** True when the client depends on the installation of a launch; otherwise the installation is ignored. */
  readonly isPerInstallation: boolean;
  clientFor(host: Host, installationId: string | undefined): Promise<TalkdeskClient>;
  /**
   * The address of `/login` for a link on a page of the login. It is relative, so that it is right behind any proxy,
   * unless the redirect URI does not end with `/callback`.
   */
  loginLink(mount: string): string;
  /** The path of the app's home page, as browsers know it. */
  home(mount: string): string;
  /**
   * The path to redirect to after the login, as browsers know it: the wanted page, or the app's home page by default;
   * `/` when the wanted page is on another origin or one of the login's own routes.
   */
  returnPath(mount: string, wanted: string | undefined): string;
}

/** The routes, beneath the path where a login is mounted. */
export const ROUTES = { login: "/login", callback: "/callback", logout: "/logout" } as const;

/** @throws TypeError for an option that cannot be used. */
export function loginSetup<Host>(options: TalkdeskLoginOptions<Host>): LoginSetup<Host> {
  checkLoginOptions(options);
  const { client, redirectUri, scope, store, contact, pkce, issuers, onEvent, maxIdleMs } = options;
  const { endTalkdeskSession } = options;
  const { origin, pathname } = new URL(redirectUri);
  const publicMount = pathname.endsWith(ROUTES.callback)
    ? pathname.slice(0, -ROUTES.callback.length)
    : undefined;
  const toBrowser = (mount: string, path: string): string =>
    publicMount === undefined ? path : publicPath(path, strippedPrefix(publicMount, mount));
  const home = (mount: string): string => parseReturnTo(toBrowser(mount, "/")) ?? "/";
  return {
    name: recordName(redirectUri),
    redirectUri,
    origin,
    contact,
    scope,
    pkce,
    issuers,
    keepSession: options.keepSession ?? false,
    users: userSources({
      store,
      maxIdleMs,
      onEvent,
      client: typeof client === "function" ? undefined : client,
    }),
    ...(endTalkdeskSession !== undefined &&
      typeof client !== "function" && { talkdeskSessions: talkdeskSessions(endTalkdeskSession, client) }),
    isPerInstallation: typeof client === "function",
    async clientFor(host, installationId) {
      if (typeof client !== "function") return client;
      const chosen: unknown = await client(host, installationId === undefined ? {} : { installationId });
      checkLoginClient(chosen);
      return chosen;
    },
    loginLink: (mount) => (publicMount === undefined ? `${mount}${ROUTES.login}` : "login"),
    home,
    returnPath(mount, wanted) {
      if (wanted === undefined) return home(mount);
      const own = [mount, publicMount ?? mount].flatMap((parent) =>
        Object.values(ROUTES).map((route) => `${parent}${route}`),
      );
      const path = parseReturnTo(wanted, own);
      // Checked again, since the prefix may make it too long.
      return (path !== undefined ? parseReturnTo(toBrowser(mount, path), own) : undefined) ?? "/";
    },
  };
}
