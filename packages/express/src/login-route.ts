import type { Request, Response } from "express";
import type { Restart } from "./login-failure.js";
import type { LoginSetup } from "./login-setup.js";

/** One request to a login. */
export interface LoginVisit {
  readonly request: Request;
  readonly response: Response;
  /** Says where to begin again should this fail. */
  restart(restart: Restart): void;
}

/** Answers one request, or rejects. */
export type LoginRoute = (setup: LoginSetup, visit: LoginVisit) => Promise<void>;
