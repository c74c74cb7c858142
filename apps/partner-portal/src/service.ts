import {
  clientSecretBasic,
  type TalkdeskClient,
  talkdeskClient,
  talkdeskClientFromEnv,
} from "@talkdesk-oauth/core";
import { startEmulator } from "@talkdesk-oauth/emulator";
import { type Environment, namesTalkdesk } from "./settings.js";

/** The Talkdesk that people sign in with. */
export interface Service extends AsyncDisposable {
  readonly isEmulated: boolean;
  /** Gives the client that may send people back to an address. */
  clientFor(redirectUri: string): TalkdeskClient;
}

/** Enough to see a report being made: it takes about half a minute, and is a few megabytes. */
const emulatedReports = { reportPolls: 9, reportRows: 50_000 };

/**
 * Opens the real service when any `TALKDESK_` variable is set, else an emulator that lives as long as it is open.
 *
 * @throws TypeError (rejection) that names the variables which are missing or cannot be used.
 */
export async function openService(env: Environment): Promise<Service> {
  if (namesTalkdesk(env)) {
    const client = talkdeskClientFromEnv(env);
    return { isEmulated: false, clientFor: () => client, [Symbol.asyncDispose]: async () => undefined };
  }
  const talkdesk = await startEmulator({ login: "page", ...emulatedReports });
  return {
    isEmulated: true,
    clientFor(redirectUri) {
      const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [redirectUri] });
      return talkdeskClient({
        endpoints: talkdesk.endpoints(),
        authentication: clientSecretBasic({ clientId, clientSecret }),
      });
    },
    [Symbol.asyncDispose]: () => talkdesk.stop(),
  };
}
