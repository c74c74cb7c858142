import { parseArgs } from "node:util";
import { checkSecret } from "@talkdesk-oauth/core";
import { parseOrigin } from "../web/parse-origin.js";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The portal's own settings. */
export interface PortalSettings {
  /** Undefined: 3000, or with the emulator any free port if 3000 is in use. */
  readonly port: number | undefined;
  /** Undefined: `http://localhost` with the port. */
  readonly origin: string | undefined;
  readonly contact: string;
  /** Sign cookies and encrypt the file: the first is used, all are accepted. None: the portal makes one. */
  readonly secrets: readonly string[];
  /** The folder for sessions and tokens. Undefined: the default one. */
  readonly dataFolder: string | undefined;
  /** True to keep sessions and tokens in memory only. */
  readonly inMemory: boolean;
}

/**
 * Reads the argument `--memory`, and the variables `PORTAL_PORT`, `PORTAL_ORIGIN`, `PORTAL_CONTACT`, `PORTAL_DATA` and
 * `PORTAL_SESSION_SECRET` (several secrets are separated by spaces). An empty variable counts as absent.
 *
 * @throws TypeError that names the invalid variable or argument. It never quotes a secret.
 */
export function readSettings(args: readonly string[], env: Environment): PortalSettings {
  const inMemory = readArguments(args);
  const {
    PORTAL_PORT: port,
    PORTAL_ORIGIN: origin,
    PORTAL_CONTACT: contact,
    PORTAL_DATA: dataFolder,
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
    origin: origin ? parseOrigin("PORTAL_ORIGIN", origin) : undefined,
    contact: contact || "help@example.com",
    secrets,
    dataFolder: dataFolder || undefined,
    inMemory,
  };
}

function readArguments(args: readonly string[]): boolean {
  try {
    const { values } = parseArgs({ args: [...args], options: { memory: { type: "boolean" } } });
    return values.memory ?? false;
  } catch {
    throw new TypeError("The only argument of the portal is --memory, which keeps sessions in memory.");
  }
}

/** True when any `TALKDESK_` variable is set: the portal uses the real service then. */
export function namesTalkdesk(env: Environment): boolean {
  return Object.keys(env).some((name) => name.startsWith("TALKDESK_") && env[name]);
}
