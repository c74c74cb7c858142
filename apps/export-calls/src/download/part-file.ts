import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import type { Period } from "../report/report-job.js";

/** What a later run needs to resume an incomplete file. It contains no secret. */
export interface PartState extends Period {
  /** The address of the report job at the gateway. It is useless without a token. */
  readonly job: string;
  /** The strong ETag of the file to which the bytes belong; absent when the server sent none. */
  readonly etag?: string;
}

/** An incomplete file: `FILE.part`, with its state in `FILE.part.json`. */
export interface PartFile {
  readonly path: string;
  /** Reads the size of the file in bytes; 0 when there is no file. */
  size(): Promise<number>;
  /** Reads the state; undefined when it is missing or malformed. */
  read(): Promise<PartState | undefined>;
  /** Deletes the file and writes the state. */
  begin(state: PartState): Promise<void>;
  /** Renames the file to its final name and deletes the state. */
  complete(): Promise<void>;
  /** Deletes the file and the state. */
  discard(): Promise<void>;
}

/** Calls name people, so only the owner of the file may read it. The final file has this mode too. */
export const PRIVATE_MODE = 0o600;

/** Makes the {@link PartFile} of the file `out`. It touches no file yet. */
export function partFile(out: string): PartFile {
  const path = `${out}.part`;
  const statePath = `${path}.json`;
  const remove = (name: string): Promise<void> => rm(name, { force: true });

  return {
    path,
    async size() {
      return (await ignoreMissing(stat(path)))?.size ?? 0;
    },
    async read() {
      const text = await ignoreMissing(readFile(statePath, "utf8"));
      return text === undefined ? undefined : parseState(text);
    },
    async begin(state) {
      // Bytes first: beside the state of another file, a later run would append that file to them.
      await remove(path);
      await remove(statePath);
      await writeFile(statePath, `${JSON.stringify(state, undefined, 2)}\n`, { mode: PRIVATE_MODE });
    },
    async complete() {
      await rename(path, out);
      await remove(statePath);
    },
    async discard() {
      await remove(path);
      await remove(statePath);
    },
  };
}

/**
 * Parses a strong ETag; undefined for a weak or malformed one. Only a strong ETag proves that two parts belong together.
 *
 * @see RFC 9110 §8.8.3
 */
export function parseStrongEtag(value: unknown): string | undefined {
  return typeof value === "string" && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(value) ? value : undefined;
}

function parseState(text: string): PartState | undefined {
  try {
    const { job, from, to, etag } = JSON.parse(text) ?? {};
    if (typeof job !== "string" || typeof from !== "string" || typeof to !== "string") return undefined;
    const strong = parseStrongEtag(etag);
    return { job, from, to, ...(strong !== undefined && { etag: strong }) };
  } catch {
    return undefined;
  }
}

async function ignoreMissing<Found>(finding: Promise<Found>): Promise<Found | undefined> {
  try {
    return await finding;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
