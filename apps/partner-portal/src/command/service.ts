import {
  clientSecretBasic,
  type TalkdeskClient,
  talkdeskClient,
  talkdeskClientFromEnv,
} from "@talkdesk-oauth/core";
import { startEmulator } from "@talkdesk-oauth/emulator";
import { connectToEmulator, EMULATOR_OPTIONS } from "./emulator-process.js";
import { type Environment, namesTalkdesk } from "./settings.js";

/** The Talkdesk where people sign in: the real service or an emulator. */
export interface Service extends AsyncDisposable {
  readonly isEmulated: boolean;
  /** Gives a client for which the redirect URI is registered. */
  clientFor(redirectUri: string): Promise<TalkdeskClient>;
}

/** Where an emulator is that outlives the portal. */
interface EmulatorPlace {
  /** The folder with its file. */
  readonly folder: string;
  /** The script that it is started with. */
  readonly script: string;
}

/**
 * Opens the real service when any `TALKDESK_` variable is set, otherwise an emulator: one that outlives the portal, or,
 * without a place for it, one that disposing stops.
 *
 * @throws TypeError (rejection) that names the missing or invalid variables.
 */
export async function openService(env: Environment, place: EmulatorPlace | undefined): Promise<Service> {
  if (namesTalkdesk(env)) {
    const client = talkdeskClientFromEnv(env);
    return {
      isEmulated: false,
      clientFor: async () => client,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  if (place !== undefined) {
    const emulator = await connectToEmulator(place.folder, place.script);
    return {
      isEmulated: true,
      clientFor: async (redirectUri) => talkdeskClientFromEnv(await emulator.register(redirectUri)),
      [Symbol.asyncDispose]: async () => emulator[Symbol.dispose](),
    };
  }
  const talkdesk = await startEmulator(EMULATOR_OPTIONS);
  return {
    isEmulated: true,
    async clientFor(redirectUri) {
      const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [redirectUri] });
      return talkdeskClient({
        endpoints: talkdesk.endpoints(),
        authentication: clientSecretBasic({ clientId, clientSecret }),
      });
    },
    [Symbol.asyncDispose]: () => talkdesk.stop(),
  };
}
