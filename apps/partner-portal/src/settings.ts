import { randomBytes } from "node:crypto";
import { checkSecret } from "@talkdesk-oauth/core";
import { checkedOrigin } from "./checked-origin.js";

/** The environment, or what stands for it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says of the portal itself. */
export interface PortalSettings {
  /** Undefined: 3000, or any other that is free. */
  readonly port: number | undefined;
  /** Undefined: `http://localhost` and the port. */
  readonly origin: string | undefined;
  readonly contact: string;
  /** One that nobody knows when none was given: sessions end with the process. */
  readonly sessionSecret: string | readonly string[];
}

/**
 * Reads `PORTAL_PORT`, `PORTAL_ORIGIN`, `PORTAL_CONTACT` and `PORTAL_SESSION_SECRET` (several, separated by spaces: the
 * first signs). An empty variable counts as absent.
 *
 * @throws TypeError that names the variable which cannot be used, never a secret.
 */
export function readSettings(env: Environment): PortalSettings {
  const {
    PORTAL_PORT: port,
    PORTAL_ORIGIN: origin,
    PORTAL_CONTACT: contact,
    PORTAL_SESSION_SECRET: secret,
  } = env;
  if (port && !(/^\d{1,5}$/.test(port) && Number(port) < 65_536)) {
    throw new TypeError("PORTAL_PORT must be a number below 65536.");
  }
  if (contact && !/^(?:https:\/\/\S+|[^\s@]+@[^\s@]+)$/.test(contact)) {
    throw new TypeError("PORTAL_CONTACT must be an e-mail address or an https address.");
  }
  const secrets = secret?.split(" ").filter((text) => text !== "") ?? [];
  try {
    secrets.forEach(checkSecret);
  } catch (error) {
    throw new TypeError(`PORTAL_SESSION_SECRET: ${(error as Error).message}`);
  }
  return {
    port: port ? Number(port) : undefined,
    origin: origin ? checkedOrigin("PORTAL_ORIGIN", origin) : undefined,
    contact: contact || "help@example.com",
    sessionSecret: secrets.length > 0 ? secrets : randomBytes(32).toString("base64url"),
  };
}

/** Whether the environment names a Talkdesk to use. */
export function namesTalkdesk(env: Environment): boolean {
  return Object.keys(env).some((name) => name.startsWith("TALKDESK_") && env[name]);
}
