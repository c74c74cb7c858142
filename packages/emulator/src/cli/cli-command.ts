import { toPrintable } from "../base/printable-text.js";
import { splitUrl } from "../base/split-url.js";
import type { Emulator } from "../emulator.js";
import type { RequestRecord } from "../message/request-record.js";
import { startEmulator } from "../start-emulator.js";
import { type CliArguments, readCliArguments, USAGE } from "./cli-arguments.js";

/** The output of the command, and the signal that stops it. */
export interface CliSurroundings {
  /** Writes to standard output. */
  readonly write: (text: string) => void;
  /** Writes to standard error. */
  readonly writeError: (text: string) => void;
  /** Aborted when the command is to stop. */
  readonly stopped: AbortSignal;
}

/** A line of the log stays readable, however long the URL is. */
const MAX_URL_LENGTH = 300;

/**
 * Runs the `talkdesk-emulator` command until it is stopped.
 *
 * @returns The exit code: 0, 1 when it could not start, or 2 when the arguments are wrong.
 */
export async function runCommand(argv: readonly string[], surroundings: CliSurroundings): Promise<number> {
  const { write, writeError, stopped } = surroundings;
  let options: CliArguments;
  try {
    options = readCliArguments(argv);
  } catch (error) {
    writeError(`talkdesk-emulator: ${readFirstLine(error)}\n`);
    return 2;
  }
  if (options.help) {
    write(USAGE);
    return 0;
  }

  let emulator: Emulator;
  const { help: _help, region, ...emulatorOptions } = options;
  try {
    emulator = await startEmulator({
      ...emulatorOptions,
      onRequest: (record) => write(`${describeRequest(record)}\n`),
    });
  } catch (error) {
    writeError(`talkdesk-emulator: ${readFirstLine(error)}\n`);
    return error instanceof TypeError ? 2 : 1;
  }
  try {
    write(describeEmulator(emulator, { region, account: options.accounts?.[0] }));
    await waitForAbort(stopped);
  } finally {
    await emulator.stop();
  }
  return 0;
}

/** Gives the surroundings of this process. SIGINT and SIGTERM stop the command. */
export function getProcessSurroundings(): CliSurroundings {
  const stopping = new AbortController();
  process.once("SIGINT", () => stopping.abort());
  process.once("SIGTERM", () => stopping.abort());
  return {
    write: (text) => process.stdout.write(text),
    writeError: (text) => process.stderr.write(text),
    stopped: stopping.signal,
  };
}

function describeEmulator(
  emulator: Emulator,
  { region, account }: { readonly region: CliArguments["region"]; readonly account: string | undefined },
): string {
  const variables = Object.entries(emulator.environment(account, region));
  const { keyId, keyAlgorithm, privateKey } = emulator.clients.get(account);
  return `A local Talkdesk is running, for this machine only. Its tokens and credentials are fake. Press Ctrl+C to stop it.

${variables.map(([name, value]) => `export ${name}=${value}\n`).join("")}
# To sign with the key in place of sending the secret, unset TALKDESK_CLIENT_SECRET and set:
# export TALKDESK_KEY_ID=${keyId}
# export TALKDESK_KEY_ALGORITHM=${keyAlgorithm}
# export TALKDESK_PRIVATE_KEY=${privateKey}

`;
}

/**
 * Describes a request in one line of printable ASCII. Values in a query can be codes or signatures, so only the names of
 * its parameters are shown.
 */
function describeRequest({ method, url, status }: RequestRecord): string {
  const { path, query } = splitUrl(url);
  const names = [...new URLSearchParams(query).keys()].map(encodeURIComponent);
  const shown = query === undefined ? path : `${path}?${names.join("&")}`;
  return `${method} ${toPrintable(shown, MAX_URL_LENGTH)} ${status ?? "cut"}`;
}

function readFirstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return toPrintable(message.split("\n", 1)[0] ?? "");
}

function waitForAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
