import {
  parseUrl,
  type Scope,
  type TalkdeskClient,
  type TalkdeskError,
  type TokenEvent,
  type TokenStore,
} from "@talkdesk-oauth/core";
import type { NextFunction, Request, Response } from "express";

/** What is known of where a login comes from. */
export interface LoginLaunch {
  /** The AppConnect installation that the launch named. Anybody can name any: look its credentials up, and trust only those. */
  readonly installationId?: string;
}

/** Chooses the client of a login; what it throws or rejects with goes to `next`, `TalkdeskError`s to the error page. */
export type ClientOfLogin = (
  request: Request,
  launch: LoginLaunch,
) => TalkdeskClient | Promise<TalkdeskClient>;

/** Options of {@link talkdeskLogin}. */
export interface TalkdeskLoginOptions {
  /**
   * Whose login it is; or a function that says so, for AppConnect. The function is asked again for each user after a
   * restart, with the installation that the login began with.
   */
  readonly client: TalkdeskClient | ClientOfLogin;
  /**
   * Where users come back to, as registered with Talkdesk: the public address of `/callback` beneath the path where the
   * login is mounted. The login is known in sessions by it: each login of an app has its own.
   */
  readonly redirectUri: string;
  /** `refresh_token` lets a session outlive its first token, `openid` tells who the user is. Default: the client's. */
  readonly scope?: Scope;
  /** Where tokens live: a shared one when there are several processes. */
  readonly store: TokenStore;
  /** Who helps when a login fails: an e-mail address, an https address, or any text. Talkdesk requires it. */
  readonly contact: string;
  /**
   * Answers a login that has failed in place of the error page. Its errors go to `next`, as do errors that are not of
   * Talkdesk's making. Default: the page.
   */
  readonly onError?: (
    error: TalkdeskError,
    request: Request,
    response: Response,
    next: NextFunction,
  ) => void | Promise<void>;
  /** Whether to send a PKCE challenge. Talkdesk documents none. Default false. */
  readonly pkce?: boolean;
  /** Who may issue ID tokens. Default: that of `finishAuthorization`. */
  readonly issuers?: readonly string[];
  /** Told what happens to the tokens of all users. What it throws harms nobody. */
  readonly onEvent?: (event: TokenEvent) => void;
}

/** Scope tokens, separated by a space. RFC 6749 §3.3 */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** @throws TypeError for an option that could not be used, saying which. */
export function checkLoginOptions(options: TalkdeskLoginOptions): void {
  const { client, redirectUri, scope, store, contact, onError, pkce, issuers, onEvent } = options ?? {};
  if (typeof client !== "function") {
    if (typeof client?.endpoints?.api !== "string") {
      throw new TypeError(
        "client must be a TalkdeskClient, such as talkdeskClient(…), or a function that gives one.",
      );
    }
    checkLoginClient(client);
  }
  checkRedirectUri(redirectUri);
  const scopes: readonly unknown[] = [scope].flat();
  if (scope !== undefined && !isListOf(scopes, (text) => SCOPE.test(text))) {
    throw new TypeError("scope must be names of scopes, in a list or separated by a space.");
  }
  if (!(["read", "write", "delete", "lock"] as const).every((name) => typeof store?.[name] === "function")) {
    throw new TypeError("store must be a store of tokens, such as memoryStore().");
  }
  if (typeof contact !== "string" || contact.trim() === "") {
    throw new TypeError("contact must say who helps when a login fails, such as an e-mail address.");
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw new TypeError("onError must be a function (error, req, res, next).");
  }
  if (pkce !== undefined && typeof pkce !== "boolean") throw new TypeError("pkce must be true or false.");
  if (issuers !== undefined && !isListOf(issuers, (text) => text !== "")) {
    throw new TypeError("issuers must be a list of strings, with one at least.");
  }
  if (onEvent !== undefined && typeof onEvent !== "function") {
    throw new TypeError("onEvent must be a function.");
  }
}

function isListOf(value: unknown, isGood: (text: string) => boolean): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => typeof item === "string" && isGood(item))
  );
}

/** @throws TypeError for what could not log anybody in. */
export function checkLoginClient(client: TalkdeskClient): void {
  if (typeof client?.authentication !== "function" || typeof client.endpoints?.authorize !== "string") {
    throw new TypeError("The client of a login must be a TalkdeskClient, such as talkdeskClient(…).");
  }
  if (typeof client.authentication.clientId !== "string" || client.authentication.clientId === "") {
    throw new TypeError(
      "A login needs the client's id: give the authentication function a clientId property.",
    );
  }
}

function checkRedirectUri(value: unknown): void {
  const url = typeof value === "string" ? parseUrl(value) : undefined;
  const isSecure =
    url?.protocol === "https:" ||
    (url?.protocol === "http:" && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname));
  // The route has no slash at its end, and an origin alone is no address of it.
  const isWhole = isSecure && `${url.username}${url.password}` === "" && !url.pathname.endsWith("/");
  if (!isWhole || /[\s#\p{Cc}]/u.test(String(value))) {
    throw new TypeError(
      "redirectUri must be the whole https: address of the callback (http: on a loopback address), such as https://app.example.com/auth/callback, without a user, a fragment or a slash at its end; it is never taken from a request.",
    );
  }
}
