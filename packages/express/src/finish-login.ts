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
  const { pending, isSignedIn, isGone } = await takePending(setup, request, onlyValue(query, "state"));
  if (pending !== undefined) restart(pending);
  if (pending !== undefined && isGone) {
    forgetSession(request);
    response.redirect(302, pending.returnTo);
    return;
  }
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
    const isIn = !response.closed && (await changeSession(setup, { request, response }, signedIn));
    if (!isIn) await setup.users.end(signedIn.key);
  } catch (error) {
    await setup.users.end(signedIn.key);
    throw error;
  }
  if (!response.closed) response.redirect(302, returnTo);
};

interface TakenLogin {
  readonly pending?: PendingLogin | undefined;
  readonly isSignedIn: boolean;
  /** Whether its session has gone since the request came: by another tab that is back, or by a logout. */
  readonly isGone: boolean;
}

/** Takes the login out of the session before anything is sent: it is good for one callback. */
function takePending(
  { name, users }: LoginSetup,
  request: Request,
  state: string | undefined,
): Promise<TakenLogin> {
  return oneAtATime(request, async () => {
    const session = browserSession(request);
    const stored = await storedSession(request);
    const isGone = stored === undefined;
    const records = recordsIn(stored ?? session);
    const record = recordOf(records, name);
    const { taken, rest } = takenPending(record.pending, state);
    if (taken !== undefined && !isGone) {
      putRecords(session, { ...records, [name]: { ...record, pending: rest } });
      await save(session);
    }
    const { signIn } = record;
    const isSignedIn = signIn !== undefined && !users.isEnded(signIn.key) && !isGone;
    return { pending: taken, isSignedIn, isGone };
  });
}

/**
 * Gives the browser another session, in which it is signed in; the sign-in of the old one ends. Of the old one only
 * records of logins remain: who chose its id chose nothing of the new one's, and what it held may be another person's.
 *
 * @returns False when the old session has gone meanwhile.
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
        // Who is back in another tab is signed in by that, and who has logged out stays so.
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
