import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import type { Period } from "./report-job.js";

/** What a later run needs to know of a file that is not whole. Nothing in it is secret. */
export interface PartState extends Period {
  /** The job's address at the gateway: good for nothing without a token. */
  readonly job: string;
  /** Of the file that the bytes so far belong to. A strong one; absent when the server gave none. */
  readonly etag?: string;
}

/** A file while it grows: `FILE.part`, and `FILE.part.json` with its state. */
export interface PartFile {
  readonly path: string;
  /** Bytes on the disk; 0 when there is no file. */
  size(): Promise<number>;
  /** Gives the state; undefined when there is none that can be read. */
  read(): Promise<PartState | undefined>;
  /** Forgets the bytes, and keeps this state from now on. */
  begin(state: PartState): Promise<void>;
  /** Gives the file its name, and forgets the state. */
  complete(): Promise<void>;
  /** Forgets bytes and state. */
  discard(): Promise<void>;
}

/** Makes the growing file of one that is to be called `out`. Touches nothing yet. */
export function partFile(out: string): PartFile {
  const path = `${out}.part`;
  const statePath = `${path}.json`;
  const forget = (name: string): Promise<void> => rm(name, { force: true });

  return {
    path,
    async size() {
      return (await ifThere(stat(path)))?.size ?? 0;
    },
    async read() {
      const text = await ifThere(readFile(statePath, "utf8"));
      return text === undefined ? undefined : parseState(text);
    },
    async begin(state) {
      // In this order: bytes beside the state of another file would be continued with that file.
      await forget(path);
      await writeFile(statePath, `${JSON.stringify(state, undefined, 2)}\n`);
    },
    async complete() {
      await rename(path, out);
      await forget(statePath);
    },
    async discard() {
      await forget(path);
      await forget(statePath);
    },
  };
}

/** A strong ETag, as RFC 9110 §8.8.3 writes it: the only kind that parts of a file may be joined by. */
export function strongEtag(value: unknown): string | undefined {
  return typeof value === "string" && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(value) ? value : undefined;
}

function parseState(text: string): PartState | undefined {
  try {
    const { job, from, to, etag } = JSON.parse(text) ?? {};
    if (typeof job !== "string" || typeof from !== "string" || typeof to !== "string") return undefined;
    const strong = strongEtag(etag);
    return { job, from, to, ...(strong !== undefined && { etag: strong }) };
  } catch {
    return undefined;
  }
}

async function ifThere<Found>(finding: Promise<Found>): Promise<Found | undefined> {
  try {
    return await finding;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
