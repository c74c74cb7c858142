import { startAuthorization, TalkdeskError } from "@talkdesk-oauth/core";
import { onlyValue, queryOf } from "./browser-request.js";
import { browserSession, oneAtATime, save, storedSession } from "./browser-session.js";
import type { LoginRoute } from "./login-route.js";
import type { LoginSetup } from "./login-setup.js";
import { sessionDigest, withPending } from "./pending-logins.js";
import { putRecords, recordOf, recordsIn } from "./session-record.js";

/** Far more than any id of Talkdesk's. */
const MAX_INSTALLATION_ID_LENGTH = 128;

/** `GET /login`: notes a login in the session and sends the browser to Talkdesk. */
export const beginLogin: LoginRoute = async (setup, { request, response, restart }) => {
  const session = browserSession(request);
  const query = queryOf(request);
  const returnTo = setup.returnPath(request, onlyValue(query, "returnTo"));
  restart({ returnTo });
  const installationId = installationIn(setup, query);
  restart({ returnTo, installationId });

  const client = await setup.clientFor(request, installationId);
  const { url, state, nonce, codeVerifier } = await startAuthorization(client, {
    redirectUri: setup.redirectUri,
    ...(setup.pkce !== undefined && { pkce: setup.pkce }),
    ...(setup.scope !== undefined && { scope: setup.scope }),
  });
  const begunIn = await sessionDigest(session.id);
  await oneAtATime(request, async () => {
    const records = recordsIn((await storedSession(request)) ?? {});
    const record = recordOf(records, setup.name);
    const pending = withPending(record.pending, {
      state,
      nonce,
      ...(codeVerifier !== undefined && { codeVerifier }),
      ...(begunIn !== undefined && { session: begunIn }),
      begunAt: Date.now(),
      returnTo,
      ...(installationId !== undefined && { installationId }),
    });
    putRecords(session, { ...records, [setup.name]: { ...record, pending } });
    // Talkdesk may send the browser back before this response is all written.
    await save(request);
  });
  response.redirect(302, url);
};

/** The AppConnect installation that a launch names. */
function installationIn({ isPerInstallation }: LoginSetup, query: URLSearchParams): string | undefined {
  const [id = "", ...others] = query.getAll("talkdesk_installation_id");
  if (!isPerInstallation || (id === "" && others.length === 0)) return undefined;
  if (others.length > 0 || id.length > MAX_INSTALLATION_ID_LENGTH) {
    throw new TalkdeskError(
      "installation_unknown",
      "The launch has no valid installation: its talkdesk_installation_id is given twice or is too long.",
    );
  }
  return id;
}
