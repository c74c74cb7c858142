import { checkLoginClient, type Scope, type TalkdeskClient } from "@talkdesk-oauth/core";
import type { Request } from "express";
import type { KeepSession } from "./kept-session.js";
import { checkLoginOptions, type TalkdeskLoginOptions } from "./login-options.js";
import { publicPath, strippedPrefix } from "./public-path.js";
import { returnTo } from "./return-to.js";
import { recordName } from "./session-record.js";
import { type UserSessions, userSessions } from "./user-sessions.js";

/** One login of an app, as its routes see it. */
export interface LoginSetup {
  /** Its name in sessions. */
  readonly name: string;
  readonly redirectUri: string;
  /** Where browsers find the app. */
  readonly origin: string;
  readonly contact: string;
  readonly scope?: Scope | undefined;
  readonly pkce?: boolean | undefined;
  readonly issuers?: readonly string[] | undefined;
  readonly onError?: TalkdeskLoginOptions["onError"];
  readonly keepSession: KeepSession;
  readonly users: UserSessions;
  /** True when the client depends on the installation that a launch names; otherwise the name is ignored. */
  readonly isPerInstallation: boolean;
  clientFor(request: Request, installationId: string | undefined): TalkdeskClient | Promise<TalkdeskClient>;
  /**
   * The address of `/login` for a link on a page of `/callback`. It is relative: the two have the same parent, whatever a
   * proxy does to the paths above; unless the redirect URI has another name.
   */
  loginLink(request: Request): string;
  /** The app's first page, as browsers find it. */
  home(request: Request): string;
  /**
   * The path to go to in the end, as browsers find it: the page that was asked for, or the app's first page when none
   * was; `/` when the page leads elsewhere or back into the login.
   */
  returnPath(request: Request, wanted: unknown): string;
}

/** The routes, beneath the path where a login is mounted. */
export const ROUTES = { login: "/login", callback: "/callback", logout: "/logout" } as const;

/** @throws TypeError for an option that cannot be used. */
export function loginSetup(options: TalkdeskLoginOptions): LoginSetup {
  checkLoginOptions(options);
  const { client, redirectUri, scope, store, contact, onError, pkce, issuers, onEvent, maxIdleMs } = options;
  const { origin, pathname } = new URL(redirectUri);
  const publicMount = pathname.endsWith(ROUTES.callback)
    ? pathname.slice(0, -ROUTES.callback.length)
    : undefined;
  const toBrowser = ({ baseUrl }: Request, path: string): string =>
    publicMount === undefined ? path : publicPath(path, strippedPrefix(publicMount, baseUrl));
  const home = (request: Request): string => returnTo(toBrowser(request, "/")) ?? "/";
  return {
    name: recordName(redirectUri),
    redirectUri,
    origin,
    contact,
    scope,
    pkce,
    issuers,
    onError,
    keepSession: options.keepSession ?? false,
    users: userSessions({
      store,
      maxIdleMs,
      onEvent,
      clock: typeof client === "function" ? undefined : client.clock,
    }),
    isPerInstallation: typeof client === "function",
    async clientFor(request, installationId) {
      if (typeof client !== "function") return client;
      const chosen: unknown = await client(request, installationId === undefined ? {} : { installationId });
      checkLoginClient(chosen);
      return chosen;
    },
    loginLink: ({ baseUrl }) => (publicMount === undefined ? `${baseUrl}${ROUTES.login}` : "login"),
    home,
    returnPath(request, wanted) {
      if (wanted === undefined) return home(request);
      const own = [request.baseUrl, publicMount ?? request.baseUrl].flatMap((mount) =>
        Object.values(ROUTES).map((route) => `${mount}${route}`),
      );
      const path = returnTo(wanted, own);
      // Checked again, since the prefix may make it too long.
      return (path !== undefined ? returnTo(toBrowser(request, path), own) : undefined) ?? "/";
    },
  };
}
