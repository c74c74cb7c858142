import { errorPage } from "../answers/error-page.js";
import { redirect } from "../answers/redirect.js";
import { onlyValue } from "../base/query.js";
import { isSameOrigin } from "../base/same-origin.js";
import { checkRecords, renewedRecords, signInOf } from "../session/login-records.js";
import { inTurn, type LoginSession, loadedRecords } from "../session/login-session.js";
import { readForm } from "./form.js";
import type { LoginRoute } from "./login-route.js";

/**
 * `POST /logout`: ends the browser's session, then its tokens in the store, and last, if the app wants it, the user's
 * session at Talkdesk.
 */
export const logOut: LoginRoute = async (setup, visit) => {
  const { request, query, mount, session } = visit;
  if (!isSameOrigin(request, setup.origin)) {
    return errorPage({
      status: 403,
      title: "This request came from another site",
      text: ["For your safety, you were not signed out. To sign out, use the app itself."],
      contact: setup.contact,
    });
  }
  const signIn = signInOf(await loadedRecords(session), setup.name);
  if (signIn !== undefined) {
    try {
      await leaveSession(session, setup.name);
    } finally {
      await setup.users.end(signIn.key);
    }
  }
  const form = await readForm(request);
  const wanted = onlyValue(form, "returnTo") ?? onlyValue(query, "returnTo");
  const next = setup.returnPath(mount, wanted);
  if (signIn !== undefined && setup.talkdeskSessions !== undefined) {
    visit.noteSignedOut(next);
    await setup.talkdeskSessions.end([signIn.userId, signIn.user?.sub]);
  }
  return redirect(303, next);
};

/** Drops the session with all its data. Sign-ins of the app's other logins move to a new session. */
function leaveSession(session: LoginSession, name: string): Promise<void> {
  return inTurn(session, async () => {
    const { [name]: _left, ...others } = checkRecords(await session.read());
    if (Object.values(others).every(({ signIn }) => signIn === undefined)) await session.drop();
    else await session.renew(renewedRecords(others, Date.now()), false);
  });
}
