import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Emulator } from "../emulator.js";
import type { EmulatorOptions } from "../emulator-options.js";
import type { RequestRecord } from "../message/request-record.js";
import { startEmulator } from "../start-emulator.js";
import { type CliArguments, readCliArguments, USAGE } from "./cli-arguments.js";
import { describeEmulator, describeRequest, readFirstLine } from "./cli-text.js";

/** The output of the command, and the signal that stops it. */
export interface CliSurroundings {
  /** Writes to standard output. */
  readonly write: (text: string) => void;
  /** Writes to standard error. */
  readonly writeError: (text: string) => void;
  /** Aborted when the command is to stop. */
  readonly stopped: AbortSignal;
}

/**
 * Runs the `talkdesk-emulator` command until it is stopped.
 *
 * @returns The exit code: 0, 1 when it could not start, or 2 when the arguments are wrong.
 */
export async function runCommand(argv: readonly string[], surroundings: CliSurroundings): Promise<number> {
  const { write, writeError, stopped } = surroundings;
  let emulator: Emulator | undefined;
  let revoking: NodeJS.Timeout | undefined;
  try {
    const parsed = readCliArguments(argv);
    if (parsed.help) {
      write(USAGE);
      return 0;
    }
    emulator = await start(parsed, (record) => write(`${describeRequest(record)}\n`));
    if (parsed.revokeEveryMs !== undefined) {
      revoking = setInterval(emulator.faults.revokeTokens, parsed.revokeEveryMs, {});
    }
    write(describeEmulator(emulator, parsed.region, process.platform));
    await waitForAbort(stopped);
    return 0;
  } catch (error) {
    writeError(`talkdesk-emulator: ${readFirstLine(error)}\n`);
    return error instanceof TypeError ? 2 : 1;
  } finally {
    clearInterval(revoking);
    await emulator?.stop();
  }
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

async function start(
  { options, operationsFile, faults }: CliArguments,
  onRequest: (record: RequestRecord) => void,
): Promise<Emulator> {
  const operations = operationsFile === undefined ? {} : await importOperations(operationsFile);
  const emulator = await startEmulator({ ...options, ...operations, onRequest });
  try {
    for (const fault of faults) emulator.faults.add(fault);
  } catch (error) {
    await emulator.stop();
    throw error;
  }
  return emulator;
}

async function importOperations(file: string): Promise<Pick<EmulatorOptions, "operations">> {
  try {
    const { default: operations } = await import(pathToFileURL(resolve(file)).href);
    return { operations: operations ?? null };
  } catch (error) {
    throw new TypeError(`--operations cannot import ${file}: ${readFirstLine(error)}`);
  }
}

function waitForAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
