import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  talkdeskClient,
  talkdeskClientFromEnv,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";

/** The Talkdesk that the export uses: the real service or an emulator. */
export interface Service extends AsyncDisposable {
  readonly source: ClosableTokenSource;
  readonly isEmulated: boolean;
}

const SCOPE = "data-reports:read data-reports:write";
/** A file of 15 MB, large enough to watch the download. */
const EMULATED_ROWS = 65_000;

/**
 * Opens the real service when any `TALKDESK_` variable is set, otherwise starts an emulator, which disposing stops.
 *
 * @throws TypeError (rejection) that names the missing or invalid variables.
 */
export async function openService(env: Readonly<Record<string, string | undefined>>): Promise<Service> {
  if (Object.keys(env).some((name) => name.startsWith("TALKDESK_") && env[name])) {
    const source = clientCredentials(talkdeskClientFromEnv(env), { scope: SCOPE });
    return { source, isEmulated: false, [Symbol.asyncDispose]: () => source.close() };
  }
  const talkdesk = await startEmulator({ reportRows: EMULATED_ROWS });
  const { clientId, clientSecret } = talkdesk.clients.get();
  const source = clientCredentials(
    talkdeskClient({
      endpoints: talkdesk.endpoints(),
      authentication: clientSecretBasic({ clientId, clientSecret }),
    }),
    { scope: SCOPE },
  );
  addFaults(talkdesk);
  return {
    source,
    isEmulated: true,
    async [Symbol.asyncDispose]() {
      await source.close();
      await talkdesk.stop();
    },
  };
}

/** Cuts the first download halfway and slows down the next ones. Over loopback there would be nothing to watch. */
function addFaults({ faults }: Emulator): void {
  faults.add({ at: "files", reset: "body" });
  faults.add({
    at: "files",
    times: Number.POSITIVE_INFINITY,
    trickle: { chunkBytes: 262_144, everyMs: 40 },
  });
}
