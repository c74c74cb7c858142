import {
  encodeBase64url,
  finishAuthorization,
  type IdTokenClaims,
  TalkdeskError,
} from "@talkdesk-oauth/core";
import { redirect } from "../answers/redirect.js";
import { onlyValue } from "../base/query.js";
import {
  checkRecords,
  recordOf,
  renewedRecords,
  type SignedInUser,
  type SignIn,
} from "../session/login-records.js";
import { inTurn, loadedRecords } from "../session/login-session.js";
import {
  authorizationOf,
  isAlive,
  isOfSession,
  type PendingLogin,
  sessionDigest,
  takenPending,
} from "../session/pending-logins.js";
import { signInTime } from "../session/sign-in-row.js";
import type { LoginRoute, RouteVisit } from "./login-route.js";
import type { LoginSetup } from "./login-setup.js";

/** `GET /callback`: exchanges the code once, stores the tokens, and signs the browser in. */
export const finishLogin: LoginRoute = async (setup, visit) => {
  const { query, mount, host } = visit;
  const state = onlyValue(query, "state");
  const { pending, session, signIn, isGone } = await takePending(setup, visit, state);
  if (pending !== undefined) {
    const { returnTo, installationId } = pending;
    visit.noteRestart({ returnTo, ...(installationId !== undefined && { installationId }) });
  }
  if (pending !== undefined && isGone) return redirect(302, pending.returnTo);
  const isSignedIn = signIn !== undefined && !isGone && (await setup.users.isSignedIn(signIn.key));
  const isFirst = pending === undefined || (await setup.users.claim(`login:${pending.state}`));
  if (pending === undefined || !isFirst || !isAlive(pending, Date.now())) {
    // The user went back to the callback, or reloaded it, after the login succeeded.
    if (!isSignedIn) throw unknownState();
    return redirect(302, setup.home(mount));
  }
  if (!isOfSession(pending, session)) {
    // Another tab has signed in meanwhile. This tab is signed in too when both logins are for the same installation.
    if (!isSignedIn || signIn.installationId !== pending.installationId) throw unknownState();
    return redirect(302, pending.returnTo);
  }
  const { installationId, returnTo } = pending;
  const client = await setup.clientFor(host, installationId);
  const { issuers } = setup;
  const { token, claims } = await finishAuthorization(
    client,
    query,
    authorizationOf(pending, { client, redirectUri: setup.redirectUri, scope: setup.scope }),
    issuers === undefined ? {} : { issuers },
  );

  const user = claims && userOf(claims, installationId);
  const userId = await setup.talkdeskSessions?.askUserId(token);
  const signedIn: SignIn = {
    key: encodeBase64url(crypto.getRandomValues(new Uint8Array(32))),
    ...(installationId !== undefined && { installationId }),
    ...(user && { user }),
    ...(userId !== undefined && { userId }),
  };
  try {
    await setup.users.start(signedIn.key, client, token);
    // A client that has disconnected gets no cookie, so the session would be useless.
    const isIn = !visit.isGone() && (await changeSession(setup, visit, signedIn));
    if (!isIn) await setup.users.end(signedIn.key);
  } catch (error) {
    await setup.users.end(signedIn.key);
    throw error;
  }
  return redirect(302, returnTo);
};

interface TakenLogin {
  readonly pending?: PendingLogin | undefined;
  /** The digest of the id of the session that the callback came with. */
  readonly session: string | undefined;
  readonly signIn?: SignIn | undefined;
  /** True when the session has gone since the request came: another tab has signed in, or out. */
  readonly isGone: boolean;
}

/** Removes the login from the session before the code is sent, so that it serves one callback only. */
async function takePending<Host>(
  { name }: LoginSetup<Host>,
  { session }: RouteVisit<Host>,
  state: string | undefined,
): Promise<TakenLogin> {
  // Read first: other requests of the session, which the next line waits for, may remove it.
  const loaded = await loadedRecords(session);
  return inTurn(session, async () => {
    const stored = await session.read();
    const isGone = stored === undefined;
    const records = checkRecords(stored ?? loaded);
    const record = recordOf(records, name);
    const { taken, rest } = takenPending(record.pending, state);
    if (taken !== undefined && !isGone) {
      await session.write({ ...records, [name]: { ...record, pending: rest } });
    }
    return { pending: taken, session: await sessionDigest(session.id), signIn: record.signIn, isGone };
  });
}

/**
 * Gives the browser another session, in which it is signed in, and ends the sign-in of the old one. This prevents session
 * fixation; the app's own data is dropped, unless `keepSession` says otherwise, since it may belong to another user.
 *
 * @returns False when the old session has ended meanwhile, because another tab has signed in or out. That tab wins.
 */
async function changeSession<Host>(
  { name, users, keepSession }: LoginSetup<Host>,
  { session }: RouteVisit<Host>,
  signIn: SignIn,
): Promise<boolean> {
  let earlier: SignIn | undefined;
  try {
    return await inTurn(session, async () => {
      const stored = await session.read();
      if (stored === undefined) return false;
      const now = Date.now();
      const renewed = renewedRecords(checkRecords(stored), now);
      const { pending, signIn: replaced } = recordOf(renewed, name);
      earlier = replaced;
      const time = signInTime(now, replaced);
      await session.renew({ ...renewed, [name]: { pending, signIn: { ...signIn, ...time } } }, keepSession);
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
    "The callback does not match a login in this browser's session: the login was completed before, is too old, or belongs to another session, or the browser did not send the session's cookie. Behind a proxy that terminates TLS, a Secure cookie needs an app that trusts the proxy.",
  );
