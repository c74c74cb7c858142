import { randomBytes } from "node:crypto";
import { finishAuthorization, type IdTokenClaims, TalkdeskError } from "@talkdesk-oauth/core";
import type { Request } from "express";
import { onlyValue, queryOf } from "./browser-request.js";
import { browserSession, oneAtATime, regenerate, save, storedSession } from "./browser-session.js";
import type { LoginRoute } from "./login-route.js";
import type { LoginSetup } from "./login-setup.js";
import { isAlive, type PendingLogin, takenPending } from "./pending-logins.js";
import { putRecords, recordOf, recordsIn, type SignedInUser, type SignIn } from "./session-record.js";

/** `GET /callback`: exchanges the code, once, for tokens that go to the store, and signs the browser in. */
export const finishLogin: LoginRoute = async (setup, { request, response, restart }) => {
  const query = queryOf(request);
  const { pending, signIn } = await takePending(setup, request, onlyValue(query, "state"));
  if (pending !== undefined) restart(pending);
  if (pending === undefined || !isAlive(pending, Date.now())) {
    // The back button, or the page once more, after a login that went well.
    if (signIn === undefined) throw unknownState();
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

  const key = randomBytes(32).toString("base64url");
  const user = claims && userOf(claims, installationId);
  let earlier: SignIn | undefined;
  try {
    await setup.users.add(key, client, token);
    if (response.closed) {
      // No cookie reaches who has gone, and nobody else could use the session.
      await setup.users.end(key);
      return;
    }
    const signedIn = {
      key,
      ...(installationId !== undefined && { installationId }),
      ...(user && { user }),
    };
    earlier = await changeSession(setup, request, signedIn);
  } catch (error) {
    await setup.users.end(key);
    throw error;
  }
  if (earlier !== undefined) await setup.users.end(earlier.key);
  response.redirect(302, returnTo);
};

/** Takes the login out of the session before anything is sent: it is good for one callback. */
function takePending(
  { name }: LoginSetup,
  request: Request,
  state: string | undefined,
): Promise<{ readonly pending?: PendingLogin | undefined; readonly signIn?: SignIn | undefined }> {
  return oneAtATime(request, async () => {
    const records = recordsIn(await storedSession(request));
    const record = recordOf(records, name);
    const { taken, rest } = takenPending(record.pending, state);
    if (taken !== undefined) {
      const session = browserSession(request);
      putRecords(session, { ...records, [name]: { ...record, pending: rest } });
      await save(session);
    }
    return { pending: taken, signIn: record.signIn };
  });
}

/**
 * Gives the browser another session, in which it is signed in. Of the old one only records of logins remain: who chose
 * its id chose nothing of the new one's, and what it held may be another person's.
 *
 * @returns The sign-in that it replaces.
 */
function changeSession({ name }: LoginSetup, request: Request, signIn: SignIn): Promise<SignIn | undefined> {
  return oneAtATime(request, async () => {
    const records = recordsIn(await storedSession(request));
    const { pending, signIn: earlier } = recordOf(records, name);
    const session = await regenerate(request);
    putRecords(session, { ...records, [name]: { pending, signIn } });
    await save(session);
    return earlier;
  });
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
