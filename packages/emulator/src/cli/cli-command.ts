import { printableText } from "../base/printable-text.js";
import { type Emulator, startEmulator } from "../emulator.js";
import type { RequestRecord } from "../message/request-record.js";
import { type CliArguments, readCliArguments, usage } from "./cli-arguments.js";

/** What the command writes to, and what ends it. */
export interface CliSurroundings {
  /** Writes to standard output. */
  readonly write: (text: string) => void;
  /** Writes to standard error. */
  readonly writeError: (text: string) => void;
  /** Aborted when the command is to stop. */
  readonly stopped: AbortSignal;
}

/**
 * Runs the `talkdesk-emulator` command until it is told to stop.
 *
 * @returns The exit code: 0, 1 when it could not start, 2 when the arguments are wrong.
 */
export async function runCommand(argv: readonly string[], surroundings: CliSurroundings): Promise<number> {
  const { write, writeError, stopped } = surroundings;
  let options: CliArguments;
  try {
    options = readCliArguments(argv);
  } catch (error) {
    writeError(`talkdesk-emulator: ${firstLine(error)}\n`);
    return 2;
  }
  if (options.help) {
    write(usage);
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
    writeError(`talkdesk-emulator: ${firstLine(error)}\n`);
    return error instanceof TypeError ? 2 : 1;
  }
  try {
    write(greeting(emulator, { region, account: options.accounts?.[0] }));
    await untilAborted(stopped);
  } finally {
    await emulator.stop();
  }
  return 0;
}

/** Gives the surroundings of the running process: its streams, SIGINT and SIGTERM. */
export function processSurroundings(): CliSurroundings {
  const stopping = new AbortController();
  process.once("SIGINT", () => stopping.abort());
  process.once("SIGTERM", () => stopping.abort());
  return {
    write: (text) => process.stdout.write(text),
    writeError: (text) => process.stderr.write(text),
    stopped: stopping.signal,
  };
}

function greeting(
  emulator: Emulator,
  { region, account }: { readonly region: CliArguments["region"]; readonly account: string | undefined },
): string {
  const variables = Object.entries(emulator.environment(account, region));
  const { keyId, keyAlgorithm, privateKey } = emulator.clients.get(account);
  return `A local Talkdesk is running. Everything it issues is fake; it listens on this machine only. Ctrl+C stops it.

${variables.map(([name, value]) => `export ${name}=${value}\n`).join("")}
# Or, in place of the secret, a signed JWT:
# export TALKDESK_KEY_ID=${keyId}
# export TALKDESK_KEY_ALGORITHM=${keyAlgorithm}
# export TALKDESK_PRIVATE_KEY=${privateKey}

`;
}

const longestAddress = 300;

/**
 * One line about a request, whatever a stranger has put into it. The values of a query can be codes and signatures, so
 * only their names are shown, encoded as they may be in an address.
 */
function describeRequest({ method, url, status }: RequestRecord): string {
  const [path = "", query] = url.split(/\?(.*)/s);
  const names = [...new URLSearchParams(query ?? "").keys()].map(encodeURIComponent);
  const address = query === undefined ? path : `${path}?${names.join("&")}`;
  return `${method} ${printableText(address, longestAddress)} ${status ?? "cut"}`;
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return printableText(message.split("\n", 1)[0] ?? "");
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
