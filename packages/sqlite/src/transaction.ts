import { readSetting, type SqliteDatabase } from "./database.js";
import { codedError, resultCode } from "./store-error.js";

/** The level of `PRAGMA synchronous` at which a commit waits for the disk. */
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

/** Runs `work` with `busy_timeout` off: a locked database then fails at once, and does not hold the thread. */
export const withoutWaiting = <T>(database: SqliteDatabase, work: () => T): T =>
  withSetting(database, { name: "busy_timeout", value: 0, isEnough: (timeoutMs) => timeoutMs === 0 }, work);

/** Runs `work` so that what it commits outlasts a power failure. */
export const withFullSync = <T>(database: SqliteDatabase, work: () => T): T =>
  withSetting(database, { name: "main.synchronous", value: FULL, isEnough: (level) => level >= FULL }, work);

interface Setting {
  readonly name: string;
  readonly value: number;
  /** Whether the user's value does as well. */
  isEnough(value: number): boolean;
}

/** Runs `work` with a setting of ours, and then restores the user's. */
function withSetting<T>(database: SqliteDatabase, { name, value, isEnough }: Setting, work: () => T): T {
  const before = readSetting(database, name);
  if (isEnough(before)) return work();
  database.exec(`PRAGMA ${name} = ${value}`);
  try {
    return work();
  } finally {
    database.exec(`PRAGMA ${name} = ${before}`);
  }
}
