import { own } from "./store-error.js";

/** What a statement is given for each `?`: never null, which the types of some drivers refuse. */
export type SqliteValue = number | string | Uint8Array;

/** The functions that are used of a prepared statement. */
export interface SqliteStatement {
  /** Runs the statement and gives the first row of its result, or undefined. */
  get(...values: SqliteValue[]): unknown;
  /** Runs a statement that has no result. */
  run(...values: SqliteValue[]): unknown;
}

/**
 * The functions that are used of a database: a `DatabaseSync` of `node:sqlite`, or a `Database` of `better-sqlite3` or
 * of `libsql` (not of `libsql/promise`).
 */
export interface SqliteDatabase {
  /** Runs SQL whose result does not matter. */
  exec(sql: string): unknown;
  /** Prepares a statement. */
  prepare(sql: string): SqliteStatement;
}

/**
 * Checks that `database` has the functions of a {@link SqliteDatabase}.
 *
 * @throws TypeError for anything else.
 */
export function checkDatabase(database: unknown): asserts database is SqliteDatabase {
  const { exec, prepare } = Object(database) as Partial<SqliteDatabase>;
  if (typeof exec !== "function" || typeof prepare !== "function") throw notADatabase();
}

const notADatabase = (): TypeError =>
  own(
    new TypeError(
      "database must be an open handle with synchronous functions, such as a DatabaseSync of node:sqlite or a Database of better-sqlite3 or libsql.",
    ),
  );

/**
 * The columns of a row, in their order. A handle may be set to give rows as arrays and numbers as `bigint`s, so
 * convert numbers with `Number`.
 */
export const columns = (row: unknown): readonly unknown[] => Object.values(Object(row));

/**
 * Reads a setting that is a number.
 *
 * @throws TypeError for a handle whose statements answer later, by promise or callback.
 */
export function readSetting(database: SqliteDatabase, name: string): number {
  const [value] = columns(database.prepare(`PRAGMA ${name}`).get());
  if (typeof value !== "number" && typeof value !== "bigint") throw notADatabase();
  return Number(value);
}
