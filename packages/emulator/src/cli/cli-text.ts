import { toPrintable } from "../base/printable-text.js";
import type { Region } from "../base/region.js";
import { splitUrl } from "../base/split-url.js";
import type { Emulator } from "../emulator.js";
import type { RequestRecord } from "../message/request-record.js";

/** A line of the log stays readable, however long the URL is. */
const MAX_URL_LENGTH = 300;

/** Describes a running emulator, as text to paste into a shell. */
export function describeEmulator(emulator: Emulator, region: Region, platform: NodeJS.Platform): string {
  const variables = Object.entries(emulator.environment(undefined, region));
  const { keyId, keyAlgorithm, privateKey } = emulator.clients.get();
  return `A local Talkdesk is running, for this machine only. Its tokens and credentials are fake. Press Ctrl+C to stop it.

${variables.map(([name, value]) => `export ${name}=${value}\n`).join("")}
# To sign with the key in place of sending the secret, unset TALKDESK_CLIENT_SECRET and set:
# export TALKDESK_KEY_ID=${keyId}
# export TALKDESK_KEY_ALGORITHM=${keyAlgorithm}
# export TALKDESK_PRIVATE_KEY=${privateKey}
${describeTrust(emulator, platform)}
`;
}

/**
 * Describes a request in one line of printable ASCII: region, account, request and outcome. Values in a query can be codes
 * or signatures, so only the names of its parameters are shown.
 */
export function describeRequest(record: RequestRecord): string {
  const { region = "-", account = "-", method, url, status, refusal, laxities } = record;
  const { path, query } = splitUrl(url);
  const names = [...new URLSearchParams(query).keys()].map(encodeURIComponent);
  const shown = toPrintable(query === undefined ? path : `${path}?${names.join("&")}`, MAX_URL_LENGTH);
  return [
    region,
    toPrintable(account, MAX_URL_LENGTH),
    method,
    shown,
    status ?? "cut",
    ...(refusal === undefined ? [] : [toPrintable(refusal)]),
    ...(laxities.length === 0 ? [] : [`(lenient: ${laxities.join(", ")})`]),
  ].join(" ");
}

/** Gives the first line of an error's message. */
export function readFirstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return toPrintable(message.split("\n", 1)[0] ?? "");
}

function describeTrust({ certificate }: Emulator, platform: NodeJS.Platform): string {
  if (certificate === undefined) return "";
  const quoted = `"${certificate.file}"`;
  const name = "talkdesk-emulator";
  const command =
    platform === "darwin"
      ? `security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db ${quoted}`
      : platform === "win32"
        ? `certutil -user -addstore Root ${quoted}`
        : `certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n ${name} -i ${quoted}`;
  return `
# NODE_EXTRA_CA_CERTS makes Node trust the certificate, from the start of a process. This makes browsers trust it:
# ${command}
`;
}
