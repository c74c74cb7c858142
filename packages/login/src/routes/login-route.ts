import type { LoginRestart } from "../answers/login-failure.js";
import type { LoginSession } from "../session/login-session.js";
import type { LoginSetup } from "./login-setup.js";

/** One request to a route of a login. */
export interface RouteVisit<Host> {
  readonly request: Request;
  /** The parameters of its address. */
  readonly query: URLSearchParams;
  /** Where the login is mounted, without a slash at its end. */
  readonly mount: string;
  readonly session: LoginSession;
  readonly host: Host;
  /** True when the client has gone away, so that an answer reaches nobody. */
  isGone(): boolean;
  /** Says where to begin again should this fail. */
  noteRestart(restart: LoginRestart): void;
}

/** Answers one request, or rejects. */
export type LoginRoute = <Host>(setup: LoginSetup<Host>, visit: RouteVisit<Host>) => Promise<Response>;
