import { readSetting, type SqliteDatabase } from "./database.js";
import { codedError, resultCode } from "./store-error.js";

/** `PRAGMA synchronous`: what is committed is on the disk. */
const FULL = 2;

/**
 * Runs `work` in a transaction of its own.
 *
 * @throws Error `transaction_open` inside a transaction of the user, whose rollback would undo what was answered.
 */
export function inTransaction<T>(
  database: SqliteDatabase,
  begin: "BEGIN" | "BEGIN IMMEDIATE",
  work: () => T,
): T {
  try {
    database.exec(begin);
  } catch (error) {
    // SQLite has no code of its own for this, and BEGIN fails with this one for no other reason.
    if (resultCode(error) !== "SQLITE_ERROR") throw error;
    throw codedError(
      "transaction_open",
      "The store was called inside a transaction that is open on its database handle. Commit first, or give the store a handle of its own.",
    );
  }
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // SQLite rolls back itself after some failures, such as a full disk.
    }
    throw error;
  }
}

/**
 * Runs `work` so that it fails at once when another connection has locked the database, and restores the user's
 * setting: the wait is the caller's, who need not hold the thread.
 */
export function withoutWaiting<T>(database: SqliteDatabase, work: () => T): T {
  return withSetting(database, "busy_timeout", (timeoutMs) => timeoutMs === 0, 0, work);
}

/** Runs `work` so that a commit outlasts a power failure, and restores the user's setting. */
export function withFullSync<T>(database: SqliteDatabase, work: () => T): T {
  return withSetting(database, "main.synchronous", (level) => level >= FULL, FULL, work);
}

function withSetting<T>(
  database: SqliteDatabase,
  name: string,
  isFine: (value: number) => boolean,
  wanted: number,
  work: () => T,
): T {
  const before = readSetting(database, name);
  if (isFine(before)) return work();
  database.exec(`PRAGMA ${name} = ${wanted}`);
  try {
    return work();
  } finally {
    database.exec(`PRAGMA ${name} = ${before}`);
  }
}
