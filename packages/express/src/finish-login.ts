import { randomBytes } from "node:crypto";
import { finishAuthorization, type IdTokenClaims, TalkdeskError } from "@talkdesk-oauth/core";
import type { Request } from "express";
import { onlyValue, queryOf } from "./browser-request.js";
import {
  browserSession,
  forgetSession,
  oneAtATime,
  regenerate,
  save,
  storedSession,
} from "./browser-session.js";
import type { LoginRoute, LoginVisit } from "./login-route.js";
import type { LoginSetup } from "./login-setup.js";
import { isAlive, type PendingLogin, takenPending } from "./pending-logins.js";
import { putRecords, recordOf, recordsIn, type SignedInUser, type SignIn } from "./session-record.js";
import { checkUnsent } from "./unsent-response.js";

/** `GET /callback`: exchanges the code, once, for tokens that go to the store, and signs the browser in. */
export const finishLogin: LoginRoute = async (setup, { request, response, restart }) => {
  const query = queryOf(request);
  const { pending, isSignedIn } = await takePending(setup, request, onlyValue(query, "state"));
  if (pending !== undefined) restart(pending);
  if (pending === undefined || !isAlive(pending, Date.now())) {
    // The back button, or the page once more, after a login that went well.
    if (!isSignedIn) throw unknownState();
    response.redirect(302, "/");
    return;
  }
  const { authorization, installationId, returnTo } = pending;
  const client = await setup.clientFor(request, installationId);
  const { issuers } = setup;
  const { token, claims } = await finishAuthorization(
    client,
    query,
    authorization,
    issuers === undefined ? {} : { issuers },
  );

  const user = claims && userOf(claims, installationId);
  const signedIn: SignIn = {
    key: randomBytes(32).toString("base64url"),
    ...(installationId !== undefined && { installationId }),
    ...(user && { user }),
  };
  try {
    await setup.users.add(signedIn.key, client, token);
    // No cookie reaches who has gone, and nobody else could use the session.
    const isSignedIn = !response.closed && (await changeSession(setup, { request, response }, signedIn));
    if (!isSignedIn) await setup.users.end(signedIn.key);
  } catch (error) {
    await setup.users.end(signedIn.key);
    throw error;
  }
  if (!response.closed) response.redirect(302, returnTo);
};

/** Takes the login out of the session before anything is sent: it is good for one callback. */
function takePending(
  { name, users }: LoginSetup,
  request: Request,
  state: string | undefined,
): Promise<{ readonly pending?: PendingLogin | undefined; readonly isSignedIn: boolean }> {
  return oneAtATime(request, async () => {
    const records = recordsIn((await storedSession(request)) ?? {});
    const record = recordOf(records, name);
    const { taken, rest } = takenPending(record.pending, state);
    if (taken !== undefined) {
      const session = browserSession(request);
      putRecords(session, { ...records, [name]: { ...record, pending: rest } });
      await save(session);
    }
    const { signIn } = record;
    return { pending: taken, isSignedIn: signIn !== undefined && !users.isEnded(signIn.key) };
  });
}

/**
 * Gives the browser another session, in which it is signed in; the sign-in of the old one ends. Of the old one only
 * records of logins remain: who chose its id chose nothing of the new one's, and what it held may be another person's.
 *
 * @returns False when the old session has gone meanwhile: who has logged out stays so, and who has come back from another
 *   tab is signed in by that.
 */
async function changeSession(
  { name, users }: LoginSetup,
  { request, response }: Pick<LoginVisit, "request" | "response">,
  signIn: SignIn,
): Promise<boolean> {
  let earlier: SignIn | undefined;
  try {
    return await oneAtATime(request, async () => {
      const stored = await storedSession(request);
      if (stored === undefined) {
        forgetSession(request);
        return false;
      }
      checkUnsent(response);
      const records = recordsIn(stored);
      const { pending, signIn: replaced } = recordOf(records, name);
      earlier = replaced;
      const session = await regenerate(request);
      putRecords(session, { ...records, [name]: { pending, signIn } });
      try {
        await save(session);
      } catch (error) {
        // The session may be stored again at the end of the request, and better then.
        putRecords(session, { ...records, [name]: { pending } });
        throw error;
      }
      return true;
    });
  } finally {
    if (earlier !== undefined) await users.end(earlier.key);
  }
}

function userOf(claims: IdTokenClaims, installationId: string | undefined): SignedInUser {
  const { sub, name, email } = claims as IdTokenClaims & { name?: unknown; email?: unknown };
  return {
    sub,
    ...(typeof name === "string" && { name }),
    ...(typeof email === "string" && { email }),
    ...(installationId !== undefined && { installationId }),
  };
}

const unknownState = (): TalkdeskError =>
  new TalkdeskError(
    "state_mismatch",
    "The callback belongs to no login that this browser has begun: it is used, too old or another's, or the browser did not send the cookie of its session. Behind a proxy that speaks TLS, a Secure cookie needs app.set('trust proxy', 1).",
  );
