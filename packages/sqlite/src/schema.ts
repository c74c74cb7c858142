import { columns, type SqliteDatabase, type SqliteStatement } from "./database.js";
import { codedError } from "./store-error.js";
import { inTransaction } from "./transaction.js";

/** SQL that tells whether JavaScript, and so every driver, can hold a number. */
const isSafe = (column: string): string =>
  `(typeof(${column}) = 'integer' AND ${column} BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER})`;

/**
 * The steps from each version of the tables to the next; the first one makes them. A step is never changed once it was
 * published. Deleting all rows of the first table makes the first step run again, so it must not fail then.
 *
 * Keys and values are BLOBs: drivers cut TEXT at a zero byte, and one ends the process when TEXT is not UTF-8.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS talkdesk_oauth_store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    schema_version INTEGER NOT NULL,
    -- The latest version or fence of all keys.
    last_number INTEGER NOT NULL,
    -- The latest fence that wrote a record which is gone. Nothing else is left of a key.
    forgotten_fence INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS talkdesk_oauth_tokens (
    key BLOB PRIMARY KEY NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    -- No earlier fence may write.
    fence INTEGER NOT NULL,
    -- Epoch milliseconds; the largest safe number: never.
    expires_at INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS talkdesk_oauth_tokens_expires_at ON talkdesk_oauth_tokens (expires_at);
  CREATE TRIGGER IF NOT EXISTS talkdesk_oauth_tokens_deleted AFTER DELETE ON talkdesk_oauth_tokens
    WHEN ${isSafe("old.fence")}
  BEGIN
    UPDATE talkdesk_oauth_store SET forgotten_fence = max(forgotten_fence, old.fence);
  END;
  CREATE TABLE IF NOT EXISTS talkdesk_oauth_locks (
    key BLOB PRIMARY KEY NOT NULL,
    owner TEXT NOT NULL,
    fence INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    ttl_ms INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS talkdesk_oauth_locks_ends_at ON talkdesk_oauth_locks (ends_at);
  INSERT OR IGNORE INTO talkdesk_oauth_store VALUES (1, 1, 0, 0);`,
];

const SCHEMA_VERSION = MIGRATIONS.length;

/** How many expired rows a write removes: more than it adds, and few enough to be fast. */
const PURGED_AT_ONCE = 16;

/** SQL that tells whether a record is one that this package has written. */
const READABLE = `(typeof(value) = 'blob' AND ${isSafe("version")} AND version > 0 AND ${isSafe("fence")}
  AND ${isSafe("expires_at")})`;

/** SQL that tells whether a lock is held at a time. */
const HELD = "(typeof(ends_at) = 'integer' AND ends_at > ?)";

type StatementName =
  | "findVersion"
  | "findForgottenFence"
  | "nextNumber"
  | "findRecord"
  | "putRecord"
  | "deleteRecord"
  | "deleteExpiredRecord"
  | "purgeRecords"
  | "findFence"
  | "findLock"
  | "shortenLock"
  | "putLock"
  | "extendLock"
  | "deleteLock"
  | "purgeLocks";

/**
 * Drivers bind numbers as REAL, hence the CAST. Parameters are plain `?`, since better-sqlite3 takes `?1` for a name.
 * A key never stands alone, since libsql ends the process when a statement gets a single `Uint8Array`. node:sqlite binds
 * an empty one as NULL, hence the coalesce.
 */
const SQL: Readonly<Record<StatementName, string>> = {
  findVersion: "SELECT schema_version FROM talkdesk_oauth_store",
  findForgottenFence: "SELECT forgotten_fence FROM talkdesk_oauth_store",
  nextNumber: `UPDATE talkdesk_oauth_store SET last_number = max(last_number + 1, CAST(? AS INTEGER))
    RETURNING last_number`,

  findRecord: `SELECT ${READABLE} AS is_readable, CASE WHEN ${READABLE} THEN version END AS version,
    CASE WHEN ${READABLE} THEN fence END AS fence, CASE WHEN ${READABLE} THEN value END AS value
    FROM talkdesk_oauth_tokens WHERE key = ? AND expires_at > ?`,
  putRecord: `INSERT INTO talkdesk_oauth_tokens (key, value, version, fence, expires_at)
    VALUES (?, coalesce(?, x''), ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version, fence = excluded.fence,
    expires_at = excluded.expires_at`,
  deleteRecord: "DELETE FROM talkdesk_oauth_tokens WHERE key = ? AND 1 = ?",
  deleteExpiredRecord: "DELETE FROM talkdesk_oauth_tokens WHERE key = ? AND expires_at <= ?",
  purgeRecords: `DELETE FROM talkdesk_oauth_tokens WHERE key IN (SELECT key FROM talkdesk_oauth_tokens
    WHERE expires_at <= ? ORDER BY expires_at LIMIT ${PURGED_AT_ONCE})`,

  findFence: "SELECT 1 FROM talkdesk_oauth_locks WHERE key = ? AND fence = ?",
  findLock: `SELECT ends_at - ? > ttl_ms FROM talkdesk_oauth_locks WHERE key = ? AND ${HELD}`,
  shortenLock: "UPDATE talkdesk_oauth_locks SET ends_at = CAST(? AS INTEGER) + ttl_ms WHERE key = ?",
  putLock: `INSERT INTO talkdesk_oauth_locks (key, owner, fence, ends_at, ttl_ms) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, fence = excluded.fence, ends_at = excluded.ends_at,
    ttl_ms = excluded.ttl_ms`,
  extendLock: `UPDATE talkdesk_oauth_locks SET ends_at = ?, ttl_ms = ? WHERE key = ? AND owner = ? AND ${HELD}
    RETURNING 1`,
  deleteLock: "DELETE FROM talkdesk_oauth_locks WHERE key = ? AND owner = ?",
  purgeLocks: `DELETE FROM talkdesk_oauth_locks WHERE key IN (SELECT key FROM talkdesk_oauth_locks
    WHERE ends_at <= ? ORDER BY ends_at LIMIT ${PURGED_AT_ONCE})`,
};

/** The prepared statements of the store. */
export type Statements = Readonly<Record<StatementName, SqliteStatement>>;

/**
 * Makes or migrates the tables where that is needed, and prepares the statements.
 *
 * @throws Error `schema_newer`, or one of the driver; the database is then as it was before.
 */
export function openSchema(database: SqliteDatabase): Statements {
  if (inTransaction(database, "BEGIN", () => schemaVersion(database)) < SCHEMA_VERSION) {
    database.exec("PRAGMA main.journal_mode = WAL");
    inTransaction(database, "BEGIN IMMEDIATE", () => {
      // Another process may have been faster.
      for (const step of MIGRATIONS.slice(schemaVersion(database))) database.exec(step);
      database.exec(`UPDATE talkdesk_oauth_store SET schema_version = ${SCHEMA_VERSION}`);
    });
  }
  const statements = Object.entries(SQL).map(([name, sql]) => [name, database.prepare(sql)] as const);
  return Object.fromEntries(statements) as Statements;
}

/**
 * Checks that the tables are still those that the statements were prepared for.
 *
 * @throws Error `SQLITE_SCHEMA` when they are not.
 */
export function checkSchema({ findVersion }: Statements): void {
  const [version] = columns(findVersion.get());
  if (Number(version) === SCHEMA_VERSION) return;
  throw codedError("SQLITE_SCHEMA", "The tables of the store were changed by something else.");
}

/** The version of the tables that are there; 0 when there are none. */
function schemaVersion(database: SqliteDatabase): number {
  const table = database
    .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'talkdesk_oauth_store'")
    .get();
  if (table === undefined) return 0;
  const [version = 0] = columns(database.prepare("SELECT schema_version FROM talkdesk_oauth_store").get());
  const found = Number(version);
  if (found >= 0 && found <= SCHEMA_VERSION) return found;
  throw codedError(
    "schema_newer",
    `The tables are of version ${found}, made by a newer @talkdesk-oauth/sqlite; this one knows version ${SCHEMA_VERSION}. Nothing was changed: update the package.`,
  );
}
