import { startAuthorization, TalkdeskError } from "@talkdesk-oauth/core";
import { redirect } from "../answers/redirect.js";
import { onlyValue } from "../base/query.js";
import { checkRecords, recordOf } from "../session/login-records.js";
import { inTurn } from "../session/login-session.js";
import { sessionDigest, withPending } from "../session/pending-logins.js";
import type { LoginRoute } from "./login-route.js";

/** Much longer than any id of Talkdesk. */
const MAX_INSTALLATION_ID_LENGTH = 128;

/** `GET /login`: records a pending login in the session and redirects the browser to Talkdesk. */
export const beginLogin: LoginRoute = async (setup, visit) => {
  const { query, mount, session, host } = visit;
  const returnTo = setup.returnPath(mount, onlyValue(query, "returnTo"));
  visit.noteRestart({ returnTo });
  const installationId = setup.isPerInstallation ? installationIn(query) : undefined;
  const launch = installationId === undefined ? {} : { installationId };
  visit.noteRestart({ returnTo, ...launch });

  const client = await setup.clientFor(host, installationId);
  const { url, state, nonce, codeVerifier } = await startAuthorization(client, {
    redirectUri: setup.redirectUri,
    ...(setup.pkce !== undefined && { pkce: setup.pkce }),
    ...(setup.scope !== undefined && { scope: setup.scope }),
  });
  await inTurn(session, async () => {
    const records = checkRecords(await session.read());
    const begunIn = await sessionDigest(session.id);
    const record = recordOf(records, setup.name);
    const pending = withPending(record.pending, {
      state,
      nonce,
      ...(codeVerifier !== undefined && { codeVerifier }),
      ...(begunIn !== undefined && { session: begunIn }),
      begunAt: Date.now(),
      returnTo,
      ...launch,
    });
    await session.write({ ...records, [setup.name]: { ...record, pending } });
  });
  return redirect(302, url);
};

/** The AppConnect installation that a launch names. */
function installationIn(query: URLSearchParams): string | undefined {
  const [id = "", ...others] = query.getAll("talkdesk_installation_id");
  if (id === "" && others.length === 0) return undefined;
  if (others.length > 0 || id.length > MAX_INSTALLATION_ID_LENGTH) {
    throw new TalkdeskError(
      "installation_unknown",
      "The launch has no valid installation: its talkdesk_installation_id is given twice or is too long.",
    );
  }
  return id;
}
