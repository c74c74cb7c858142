import type { Emulator } from "./package-under-test.js";

/** Makes the URL of a login with the default client. `changes` replace parameters; undefined removes one. */
export function makeAuthorizeUrl(
  emulator: Emulator,
  changes: Readonly<Record<string, string | undefined>> = {},
): string {
  const { clientId, redirectUris } = emulator.clients.get();
  const url = new URL(emulator.endpoints().authorize);
  const parameters = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUris[0],
    ...changes,
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.href;
}
