import type { Scope, TalkdeskClient } from "@talkdesk-oauth/core";
import type { Request } from "express";
import { checkLoginClient, checkLoginOptions, type TalkdeskLoginOptions } from "./login-options.js";
import { returnTo } from "./return-to.js";
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
  readonly pkce: boolean;
  readonly issuers?: readonly string[] | undefined;
  readonly onError?: TalkdeskLoginOptions["onError"];
  readonly users: UserSessions;
  /** Whether the client depends on the installation that a launch names. Where it does not, the name tells nothing. */
  readonly isPerInstallation: boolean;
  clientFor(request: Request, installationId: string | undefined): TalkdeskClient | Promise<TalkdeskClient>;
  /** Where to go when all is done, for what somebody asks for. */
  returnPath(request: Request, wanted: unknown): string;
}

/** The routes, beneath the path where a login is mounted. */
export const ROUTES = { login: "/login", callback: "/callback", logout: "/logout" } as const;

/** @throws TypeError for an option that could not be used. */
export function loginSetup(options: TalkdeskLoginOptions): LoginSetup {
  checkLoginOptions(options);
  const { client, redirectUri, scope, store, contact, onError, pkce = false, issuers, onEvent } = options;
  const { origin, pathname } = new URL(redirectUri);
  // A proxy may show other paths to browsers than to us.
  const publicMounts = pathname.endsWith(ROUTES.callback) ? [pathname.slice(0, -ROUTES.callback.length)] : [];
  return {
    name: redirectUri,
    redirectUri,
    origin,
    contact,
    scope,
    pkce,
    issuers,
    onError,
    users: userSessions({ store, onEvent }),
    isPerInstallation: typeof client === "function",
    async clientFor(request, installationId) {
      if (typeof client !== "function") return client;
      const chosen = await client(request, installationId === undefined ? {} : { installationId });
      checkLoginClient(chosen);
      return chosen;
    },
    returnPath(request, wanted) {
      const mounts = [request.baseUrl, ...publicMounts];
      return returnTo(
        wanted,
        mounts.flatMap((mount) => Object.values(ROUTES).map((route) => `${mount}${route}`)),
      );
    },
  };
}
