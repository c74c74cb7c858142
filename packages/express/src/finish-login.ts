import {
  encodeBase64url,
  finishAuthorization,
  type IdTokenClaims,
  TalkdeskError,
} from "@talkdesk-oauth/core";
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
import { keptMembers, restoreMembers } from "./kept-session.js";
import type { LoginRoute, LoginVisit } from "./login-route.js";
import type { LoginSetup } from "./login-setup.js";
import {
  authorizationOf,
  isAlive,
  isOfSession,
  type PendingLogin,
  sessionDigest,
  takenPending,
} from "./pending-logins.js";
import {
  putRecords,
  recordOf,
  recordsIn,
  renewedRecords,
  type SignedInUser,
  type SignIn,
} from "./session-record.js";
import { signInTime } from "./sign-in-row.js";
import { checkUnsent } from "./unsent-response.js";

/** `GET /callback`: exchanges the code, once, for tokens that go to the store, and signs the browser in. */
export const finishLogin: LoginRoute = async (setup, { request, response, restart }) => {
  const query = queryOf(request);
  const state = onlyValue(query, "state");
  const { pending, session, signIn, isGone } = await takePending(setup, request, state);
  if (pending !== undefined) restart(pending);
  if (pending !== undefined && isGone) {
    forgetSession(request);
    response.redirect(302, pending.returnTo);
    return;
  }
  const isSignedIn = signIn !== undefined && !isGone && (await setup.users.isSignedIn(signIn.key));
  const isFirst = pending === undefined || (await setup.users.claim(`login:${pending.state}`));
  if (pending === undefined || !isFirst || !isAlive(pending, Date.now())) {
    // The back button, or the page once more, after a login that went well.
    if (!isSignedIn) throw unknownState();
    response.redirect(302, setup.home(request));
    return;
  }
  if (!isOfSession(pending, session)) {
    // Another tab has signed in meanwhile, and so has this one, as long as both are of one installation.
    if (!isSignedIn || signIn.installationId !== pending.installationId) throw unknownState();
    response.redirect(302, pending.returnTo);
    return;
  }
  const { installationId, returnTo } = pending;
  const client = await setup.clientFor(request, installationId);
  const { issuers } = setup;
  const { token, claims } = await finishAuthorization(
    client,
    query,
    authorizationOf(pending, { client, redirectUri: setup.redirectUri, scope: setup.scope }),
    issuers === undefined ? {} : { issuers },
  );

  const user = claims && userOf(claims, installationId);
  const signedIn: SignIn = {
    key: encodeBase64url(crypto.getRandomValues(new Uint8Array(32))),
    ...(installationId !== undefined && { installationId }),
    ...(user && { user }),
  };
  try {
    await setup.users.add(signedIn.key, client, token);
    // A client that has gone gets no cookie, and nobody else could use the session.
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
  /** The digest of the id of the session that the callback came with. */
  readonly session: string | undefined;
  readonly signIn?: SignIn | undefined;
  /** True when the session has gone since the request came: another tab has signed in, or out. */
  readonly isGone: boolean;
}

/** Takes the login out of the session before anything is sent: it is good for one callback. */
function takePending({ name }: LoginSetup, request: Request, state: string | undefined): Promise<TakenLogin> {
  return oneAtATime(request, async () => {
    const session = browserSession(request);
    const stored = await storedSession(request);
    const isGone = stored === undefined;
    const records = recordsIn(stored ?? session);
    const record = recordOf(records, name);
    const { taken, rest } = takenPending(record.pending, state);
    if (taken !== undefined && !isGone) {
      putRecords(session, { ...records, [name]: { ...record, pending: rest } });
      await save(request);
    }
    return { pending: taken, session: await sessionDigest(session.id), signIn: record.signIn, isGone };
  });
}

/**
 * Gives the browser another session, in which it is signed in, and ends the sign-in of the old one. This prevents session
 * fixation; the app's own data is dropped, unless `keepSession` says otherwise, since it may belong to another user.
 *
 * @returns False when the old session has gone meanwhile.
 */
async function changeSession(
  { name, users, keepSession }: LoginSetup,
  { request, response }: Pick<LoginVisit, "request" | "response">,
  signIn: SignIn,
): Promise<boolean> {
  let earlier: SignIn | undefined;
  try {
    return await oneAtATime(request, async () => {
      const stored = await storedSession(request);
      if (stored === undefined) {
        // Another tab has signed in or out, and that is what counts.
        forgetSession(request);
        return false;
      }
      checkUnsent(response);
      const now = Date.now();
      const renewed = renewedRecords(recordsIn(stored), now);
      const { pending, signIn: replaced } = recordOf(renewed, name);
      earlier = replaced;
      const time = signInTime(now, replaced);
      const kept = keptMembers(stored, keepSession);
      const session = await regenerate(request);
      restoreMembers(session, kept);
      putRecords(session, { ...renewed, [name]: { pending, signIn: { ...signIn, ...time } } });
      try {
        await save(request);
      } catch (error) {
        // express-session stores the session again at the end of the request, and that may succeed.
        putRecords(session, { ...renewed, [name]: { pending } });
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
    "The callback does not match a login in this browser's session: the login was completed before, is too old, or belongs to another session, or the browser did not send the session's cookie. Behind a proxy that speaks TLS, a Secure cookie needs app.set('trust proxy', 1).",
  );
