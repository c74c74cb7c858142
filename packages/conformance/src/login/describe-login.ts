import { describe } from "vitest";
import { describeCallbacks } from "./callbacks.js";
import { describeErrors } from "./errors.js";
import { describeLaunches } from "./launches.js";
import type { LoginCapabilities, LoginDriver } from "./login-driver.js";
import type { LoginSubject } from "./login-stage.js";
import { describeLogouts } from "./logouts.js";
import { describeMounts } from "./mounts.js";
import { describeProcesses } from "./processes.js";
import { describeProtectedPages } from "./protected-pages.js";
import { describeReturns } from "./returns.js";
import { describeSecrecy } from "./secrecy.js";
import { describeSessions } from "./sessions.js";
import { describeSigningIn } from "./signing-in.js";
import { describeStores } from "./stores.js";

/**
 * States what every login of a web framework promises, as tests of one framework against the emulator, over HTTP. All
 * assertions are here; a driver has none. The README shows a whole driver.
 *
 * @param name The framework under test, and its kind of sessions.
 * @param driver Makes an app with the login; called once for each test.
 * @param capabilities What the framework's sessions cannot do. Default: they can do everything.
 * @example
 * // The sessions of this app are those of storedSession, which hold the login and nothing else.
 * describeLogin("node:http", driver, { holdsAppData: false });
 */
export function describeLogin(
  name: string,
  driver: LoginDriver,
  { holdsAppData = true }: LoginCapabilities = {},
): void {
  const subject: LoginSubject = { driver, capabilities: { holdsAppData } };
  describe(name, () => {
    describe("signing in", () => describeSigningIn(subject));
    describe("a callback", () => describeCallbacks(subject));
    describe("returnTo", () => describeReturns(subject));
    describe("a logout", () => describeLogouts(subject));
    describe("the session", () => describeSessions(subject));
    describe("a mounted login", () => describeMounts(subject));
    describe("several processes", () => describeProcesses(subject));
    describe("the stores", () => describeStores(subject));
    describe("an error", () => describeErrors(subject));
    describe("a protected page", () => describeProtectedPages(subject));
    describe("a secret", () => describeSecrecy(subject));
    describe("a launch of AppConnect", () => describeLaunches(subject));
  });
}
