import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** In memory where the platform has a folder for that: each of thousands of commits waits for its disk. */
const HOME = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A new folder for the files of one run. */
export interface RunFolder extends Disposable {
  readonly path: string;
}

export function makeRunFolder(): RunFolder {
  const path = mkdtempSync(join(HOME, "many-processes-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
