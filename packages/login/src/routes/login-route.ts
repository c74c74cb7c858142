import type { LoginRestart } from "../answers/login-failure.js";
import type { LoginSession } from "../session/login-session.js";
import type { LoginSetup } from "./login-setup.js";

/** One request to a route of a login. */
export interface RouteVisit<Host> {
  readonly request: Request;
  /** The query parameters. */
  readonly query: URLSearchParams;
  /** The path where the login is mounted, without a trailing slash. */
  readonly mount: string;
  readonly session: LoginSession;
  readonly host: Host;
  /** True when the client has disconnected, so that no answer can reach it. */
  isGone(): boolean;
  /** Sets where to begin again if the request fails. */
  noteRestart(restart: LoginRestart): void;
  /**
   * Notes that the browser is signed out of the app, so that a later failure says that.
   *
   * @param next The path where the browser was going.
   */
  noteSignedOut(next: string): void;
}

/** Answers one request, or rejects. */
export type LoginRoute = <Host>(setup: LoginSetup<Host>, visit: RouteVisit<Host>) => Promise<Response>;
