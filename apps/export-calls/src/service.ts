import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  talkdeskClient,
  talkdeskClientFromEnv,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";

/** The Talkdesk that is asked. */
export interface Service extends AsyncDisposable {
  readonly source: ClosableTokenSource;
  readonly isEmulated: boolean;
}

const scope = "data-reports:read data-reports:write";
const emulatedRows = 200_000;

/**
 * Opens the real service when any `TALKDESK_` variable is set, else an emulator that lives as long as it is open.
 *
 * @throws TypeError (rejection) that names the variables which are missing or cannot be used.
 */
export async function openService(env: Readonly<Record<string, string | undefined>>): Promise<Service> {
  if (Object.keys(env).some((name) => name.startsWith("TALKDESK_") && env[name])) {
    const source = clientCredentials(talkdeskClientFromEnv(env), { scope });
    return { source, isEmulated: false, [Symbol.asyncDispose]: () => source.close() };
  }
  const talkdesk = await startEmulator({ reportRows: emulatedRows });
  const { clientId, clientSecret } = talkdesk.clients.get();
  const source = clientCredentials(
    talkdeskClient({
      endpoints: talkdesk.endpoints(),
      authentication: clientSecretBasic({ clientId, clientSecret }),
    }),
    { scope },
  );
  makeEventful(talkdesk);
  return {
    source,
    isEmulated: true,
    async [Symbol.asyncDispose]() {
      await source.close();
      await talkdesk.stop();
    },
  };
}

/** A report that is lost halfway, and slow from then on: over loopback there would be nothing to see. */
function makeEventful({ faults }: Emulator): void {
  faults.add({ at: "files", reset: "body" });
  faults.add({
    at: "files",
    times: Number.POSITIVE_INFINITY,
    trickle: { chunkBytes: 262_144, everyMs: 40 },
  });
}
