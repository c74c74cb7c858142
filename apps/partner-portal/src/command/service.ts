import {
  clientSecretBasic,
  type TalkdeskClient,
  talkdeskClient,
  talkdeskClientFromEnv,
} from "@talkdesk-oauth/core";
import { startEmulator } from "@talkdesk-oauth/emulator";
import { type Environment, namesTalkdesk } from "./settings.js";

/** The Talkdesk where people sign in: the real service or an emulator. */
export interface Service extends AsyncDisposable {
  readonly isEmulated: boolean;
  /** Gives a client for which the redirect URI is registered. */
  clientFor(redirectUri: string): TalkdeskClient;
}

/** A report takes about half a minute and has a few megabytes, so that people can watch it. */
const EMULATED_REPORTS = { reportPolls: 9, reportRows: 50_000 };

/**
 * Opens the real service when any `TALKDESK_` variable is set, otherwise starts an emulator, which disposing stops.
 *
 * @throws TypeError (rejection) that names the missing or invalid variables.
 */
export async function openService(env: Environment): Promise<Service> {
  if (namesTalkdesk(env)) {
    const client = talkdeskClientFromEnv(env);
    return { isEmulated: false, clientFor: () => client, [Symbol.asyncDispose]: async () => undefined };
  }
  const talkdesk = await startEmulator({ login: "page", ...EMULATED_REPORTS });
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
