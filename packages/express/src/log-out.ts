import { parseUrl } from "@talkdesk-oauth/core";
import type { Request } from "express";
import { onlyValue, queryOf } from "./browser-request.js";
import { browserSession, destroy, oneAtATime, regenerate, save, storedSession } from "./browser-session.js";
import { sendErrorPage } from "./error-page.js";
import type { LoginRoute } from "./login-route.js";
import type { LoginSetup } from "./login-setup.js";
import { putRecords, recordOf, recordsIn, renewedRecords } from "./session-record.js";

/** `POST /logout`: ends the browser's session and then, in the store, its tokens. */
export const logOut: LoginRoute = async (setup, { request, response }) => {
  if (!isSameOrigin(request, setup.origin)) {
    sendErrorPage(response, {
      status: 403,
      title: "This request came from another site",
      text: ["For your safety, you were not signed out. To sign out, use the app itself."],
      contact: setup.contact,
    });
    return;
  }
  const { signIn } = recordOf(recordsIn(browserSession(request)), setup.name);
  if (signIn !== undefined) {
    try {
      await leaveSession(setup, request);
    } finally {
      await setup.users.end(signIn.key);
    }
  }
  const { body } = request as { body?: unknown };
  const { returnTo } = Object(body) as { returnTo?: unknown };
  response.redirect(303, setup.returnPath(request, returnTo ?? onlyValue(queryOf(request), "returnTo")));
};

/** Drops the session with all that is in it. Sign-ins of the app's other logins go on in a new one. */
function leaveSession({ name }: LoginSetup, request: Request): Promise<void> {
  return oneAtATime(request, async () => {
    const { [name]: _left, ...others } = recordsIn((await storedSession(request)) ?? {});
    if (Object.values(others).every(({ signIn }) => signIn === undefined)) {
      await destroy(request);
      return;
    }
    const session = await regenerate(request);
    putRecords(session, renewedRecords(others, Date.now()));
    await save(request);
  });
}

/**
 * Browsers say where a request comes from: in `Sec-Fetch-Site`, or at least in `Origin` or `Referer`. A client that sends
 * none of them is not a browser, so no other site can be using its cookies.
 */
function isSameOrigin(request: Request, origin: string): boolean {
  const site = request.get("Sec-Fetch-Site");
  if (site !== undefined) return site === "same-origin" || site === "none";
  const from = request.get("Origin");
  if (from !== undefined) return from === origin;
  const page = request.get("Referer");
  return page === undefined || parseUrl(page)?.origin === origin;
}
