import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Driver, Handle } from "./drivers.js";

// In memory where the platform has a folder for that: a test makes thousands of commits, and each waits for its disk.
const home = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A file in a folder of its own, with the handles on it. */
export interface DatabaseFile extends Disposable {
  readonly path: string;
  open(): Handle;
  openReadOnly(): Handle;
}

export function databaseFile(driver: Driver): DatabaseFile {
  const folder = mkdtempSync(join(home, "sqlite-"));
  const path = join(folder, "tokens.db");
  const handles: Handle[] = [];
  function keep(handle: Handle): Handle {
    handles.push(handle);
    return handle;
  }
  return {
    path,
    open: () => keep(driver.open(path)),
    openReadOnly: () => keep(driver.openReadOnly(path)),
    [Symbol.dispose]() {
      for (const handle of handles) {
        try {
          handle.close();
        } catch {
          // The test has closed it.
        }
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
