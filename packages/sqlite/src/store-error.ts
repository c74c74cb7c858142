/** The primary result codes of SQLite, each at its number. */
const RESULTS = [
  ...["OK", "ERROR", "INTERNAL", "PERM", "ABORT", "BUSY", "LOCKED", "NOMEM", "READONLY", "INTERRUPT"],
  ...["IOERR", "CORRUPT", "NOTFOUND", "FULL", "CANTOPEN", "PROTOCOL", "EMPTY", "SCHEMA", "TOOBIG"],
  ...["CONSTRAINT", "MISMATCH", "MISUSE", "NOLFS", "AUTH", "FORMAT", "RANGE", "NOTADB"],
];

/** Failures with a known remedy. */
const SENTENCES: Readonly<Record<string, string>> = {
  SQLITE_BUSY: "Another connection has locked the database. Keep the transactions on this file short.",
  SQLITE_LOCKED: "Another statement has locked the tables. Finish the statements that are open.",
  SQLITE_READONLY:
    "The database is read-only. Check the permissions of the file and of its folder, and how it was opened.",
  SQLITE_FULL: "The disk is full, or the database has reached its maximum size. Nothing was changed.",
  SQLITE_CANTOPEN:
    "The files of the database cannot be opened. Check that its folder exists and is writable.",
  SQLITE_CORRUPT: "The file of the database is damaged. Restore it from a backup, or delete it.",
  SQLITE_NOTADB: "The file is not a SQLite database, or it is encrypted.",
  SQLITE_MISUSE: "The database handle cannot be used. Keep it open for as long as the store is used.",
};

/** Results after which the same call may succeed: another connection or statement was in the way. */
const BUSY: ReadonlySet<unknown> = new Set(["SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"]);

/**
 * The primary result code in a driver's error, such as `SQLITE_BUSY`; undefined for an error that is not SQLite's.
 */
export function resultCode(error: unknown): string | undefined {
  const { code, errcode } = Object(error) as { code?: unknown; errcode?: unknown };
  // node:sqlite has the extended number, whose low byte is the primary one; the others have the extended name.
  if (typeof errcode === "number") return `SQLITE_${RESULTS[errcode & 0xff] ?? "ERROR"}`;
  return typeof code === "string" ? /^SQLITE_[A-Z]+/.exec(code)?.[0] : undefined;
}

export const isBusy = (error: unknown): boolean => BUSY.has(resultCode(error));

/** The errors of this package itself, which {@link storeError} leaves as they are. */
const ours = new WeakSet<object>();

/** Marks an error as one of this package. */
export function own<T extends Error>(error: T): T {
  ours.add(error);
  return error;
}

/** An error whose `code` says what happened: core passes on the code, and drops the message. */
export const codedError = (code: string, message: string): Error & { readonly code: string } =>
  own(Object.assign(new Error(message), { code }));

/** Whether an error may mean that prepared statements are out of date: the tables were migrated, or dropped. */
export function isOutdated(error: unknown): boolean {
  const code = resultCode(error);
  // An error of the driver without a result code: node:sqlite finalizes statements when a handle is closed, and can
  // open it again.
  return (
    code === "SQLITE_ERROR" || code === "SQLITE_SCHEMA" || (code === undefined && !ours.has(Object(error)))
  );
}

/**
 * A driver's error as one of ours, with SQLite's name of the failure as its `code`, whichever the driver. It has no
 * `cause`: core would read the code there, which each driver writes in its own way.
 */
export function storeError(error: unknown): unknown {
  if (ours.has(Object(error))) return error;
  // A driver's own checks, such as of a handle that is closed, have no code of SQLite.
  const code = resultCode(error) ?? "SQLITE_MISUSE";
  const { message } = Object(error) as { message?: unknown };
  return codedError(code, `${SENTENCES[code] ?? "The database failed."} (${message})`);
}
