import type { StoreLock, TokenStore } from "@talkdesk-oauth/core";
import { checkDatabase, columns, type SqliteDatabase } from "./database.js";
import { checkSchema, openSchema, type Statements } from "./schema.js";
import { codedError, isBusy, isOutdated, storeError } from "./store-error.js";
import { inTransaction, withFullSync, withoutWaiting } from "./transaction.js";

/** How long a locked database is tried again: callers are told within a second. */
const BUSY_LIMIT_MS = 900;

/**
 * Bounds of the pause between two tries. It is random so that two processes do not collide again, and the bound doubles with
 * each try in a row, so that many of them do not either: processes that start together on a new file all make its tables.
 */
const PAUSE_MS = { least: 5, spread: 20, mostSpread: 80 };

/**
 * Versions and fences follow the clock, so that none repeats after a restore, or in a new file in the place of an old one.
 * A thousand fit into a millisecond.
 */
const NUMBERS_PER_MS = 1_000;

/** Keeps versions and fences exact in JavaScript, even when the clock is centuries ahead. */
const LARGEST_CLOCK_NUMBER = 2 ** 52;

/**
 * A store in a SQLite database, for the processes of one machine. Give it a handle that is open; it opens and closes
 * none, and may share it with other code. At first use it makes its tables, whose names begin with `talkdesk_oauth_`,
 * and sets the file to WAL mode.
 *
 * Every call is one short transaction. While another connection has the file locked, it is tried again for 900 ms,
 * without holding the thread. The times of records and locks go by the machine's wall clock.
 *
 * @throws TypeError at once for a value that is not a handle; as a rejection, for arguments that cannot be used.
 * @throws Error (rejection) with a `code`:
 * - `store_corrupt` (of `read` and `write`): the record was not written by this package. `delete` removes it.
 * - `SQLITE_BUSY`, `SQLITE_READONLY`, `SQLITE_FULL` and other names of SQLite's result codes, with every driver.
 *   `SQLITE_MISUSE`: the handle is closed.
 * - `transaction_open`: a transaction is open on the handle.
 * - `schema_newer`: a newer version of this package made the tables. They are not changed.
 * @example
 * import Database from "libsql";
 *
 * const store = sqliteStore(new Database("tokens.db"));
 * const source = clientCredentials(client, { store, key: "reports" });
 * @see https://www.sqlite.org/rescode.html
 */
export function sqliteStore(database: SqliteDatabase): TokenStore {
  checkDatabase(database);

  let statements: Statements | undefined;
  /** The latest version or fence of this store, for tables that are emptied within one millisecond. */
  let latestNumber = 0;
  /** Shared by all calls that wait for the database, so that one of them tries again and not all. */
  let pause: { readonly isOver: Promise<void>; readonly reason: unknown } | undefined;
  let busyTriesInRow = 0;

  async function transact<T>(kind: Kind, work: Work<T>, signal?: AbortSignal): Promise<T> {
    const giveUpAt = performance.now() + BUSY_LIMIT_MS;
    for (;;) {
      signal?.throwIfAborted();
      if (pause === undefined) {
        try {
          const result = withoutWaiting(database, () => attempt(kind, work));
          busyTriesInRow = 0;
          return result;
        } catch (error) {
          if (!isBusy(error)) throw storeError(error);
          pause = { isOver: nextPause(), reason: error };
        }
      }
      if (performance.now() >= giveUpAt) throw storeError(pause.reason);
      await pause.isOver;
    }
  }

  function attempt<T>(kind: Kind, work: Work<T>): T {
    const isFresh = statements === undefined;
    statements ??= openSchema(database);
    const prepared = statements;
    const begin = kind === "read" ? "BEGIN" : "BEGIN IMMEDIATE";
    const run = () =>
      inTransaction(database, begin, () => {
        checkSchema(prepared);
        return work(prepared, Date.now());
      });
    try {
      return kind === "write" ? withFullSync(database, run) : run();
    } catch (error) {
      if (isFresh || !isOutdated(error)) throw error;
      statements = undefined;
      return attempt(kind, work);
    }
  }

  /** Gives the next version or fence. */
  function takeNumber({ nextNumber }: Statements, now: number): number {
    const byClock = Math.min(now * NUMBERS_PER_MS, LARGEST_CLOCK_NUMBER);
    const [next] = columns(nextNumber.get(Math.max(byClock, latestNumber + 1)));
    latestNumber = Number(next);
    return latestNumber;
  }

  function nextPause(): Promise<void> {
    const spread = Math.min(PAUSE_MS.spread * 2 ** busyTriesInRow, PAUSE_MS.mostSpread);
    busyTriesInRow += 1;
    return new Promise((resolve) => {
      setTimeout(
        () => {
          pause = undefined;
          resolve();
        },
        PAUSE_MS.least + Math.random() * spread,
      );
    });
  }

  return Object.freeze<TokenStore>({
    async read(key) {
      const keyBytes = checkKey(key);
      return transact("read", ({ findRecord }, now) => {
        const row = findRecord.get(keyBytes, now);
        if (row === undefined) return undefined;
        const { version, value } = readable(row);
        return { value: decode(value), version };
      });
    },

    async write(key, value, { expectedVersion, fence, expiresAt = Number.POSITIVE_INFINITY }) {
      const keyBytes = checkKey(key);
      const valueBytes = encode("value", value);
      if (!Number.isFinite(expectedVersion) || expectedVersion < 0) {
        throw new TypeError("expectedVersion must be the version of a record, or 0.");
      }
      if (fence !== undefined && !Number.isFinite(fence)) {
        throw new TypeError("fence must be the fence of a lock.");
      }
      if (typeof expiresAt !== "number" || Number.isNaN(expiresAt)) {
        throw new TypeError("expiresAt must be a number of milliseconds since 1970.");
      }
      return transact("write", (prepared, now) => {
        prepared.deleteExpiredRecord.run(keyBytes, now);
        const row = prepared.findRecord.get(keyBytes, now);
        const found = row === undefined ? { version: 0, fence: forgottenFence(prepared) } : readable(row);
        if (expectedVersion !== found.version) return undefined;
        if (fence !== undefined && fence < found.fence) {
          // The later fence may be another key's. None of this key has written after that of its last lock.
          if (prepared.findFence.get(keyBytes, fence) === undefined) return undefined;
        }
        const version = takeNumber(prepared, now);
        const latest = Math.max(found.fence, fence ?? 0);
        // A record that is over at once is the first one to be purged.
        const endsAt = expiresAt <= now ? 0 : wholeMs(expiresAt);
        prepared.putRecord.run(keyBytes, valueBytes, version, latest, endsAt);
        purge(prepared, now);
        return version;
      });
    },

    async delete(key) {
      const keyBytes = checkKey(key);
      return transact("write", (prepared, now) => {
        prepared.deleteRecord.run(keyBytes, 1);
        purge(prepared, now);
      });
    },

    async lock(key, { ttlMs, signal }) {
      const keyBytes = checkKey(key);
      checkTtl(ttlMs);
      const owner = crypto.randomUUID();
      const fence = await transact(
        "lock",
        (prepared, now) => {
          const held = prepared.findLock.get(now, keyBytes, now);
          if (held !== undefined) {
            const [isTooLong] = columns(held);
            if (Number(isTooLong) === 1) prepared.shortenLock.run(now, keyBytes);
            return undefined;
          }
          const next = takeNumber(prepared, now);
          prepared.putLock.run(keyBytes, owner, next, wholeMs(now + ttlMs), wholeMs(ttlMs));
          purge(prepared, now);
          return next;
        },
        signal,
      );
      if (fence === undefined) return undefined;
      return Object.freeze<StoreLock>({
        fence,
        async extend(extendedMs) {
          checkTtl(extendedMs);
          return transact("lock", ({ extendLock }, now) => {
            const endsAt = wholeMs(now + extendedMs);
            return extendLock.get(endsAt, wholeMs(extendedMs), keyBytes, owner, now) !== undefined;
          });
        },
        async release() {
          await transact("lock", ({ deleteLock }) => deleteLock.run(keyBytes, owner));
        },
      });
    },
  });
}

/** The purpose of a transaction: reading, a lock, or a write that must outlast a power failure. */
type Kind = "read" | "lock" | "write";

type Work<T> = (prepared: Statements, now: number) => T;

/** The latest fence that wrote a record which is gone, of whatever key. */
function forgottenFence({ findForgottenFence }: Statements): number {
  const [fence] = columns(findForgottenFence.get());
  return Number(fence);
}

/** Removes some of what has expired. */
function purge({ purgeRecords, purgeLocks }: Statements, now: number): void {
  purgeRecords.run(now);
  purgeLocks.run(now);
}

/** @throws Error `store_corrupt` for a record that this package has not written. */
function readable(row: unknown): {
  readonly version: number;
  readonly fence: number;
  readonly value: Uint8Array;
} {
  const [isReadable, version, fence, value] = columns(row);
  if (Number(isReadable) !== 1) throw corrupt();
  return { version: Number(version), fence: Number(fence), value: value as Uint8Array };
}

const corrupt = (): Error =>
  codedError("store_corrupt", "The record is not as it was written: something else has changed the table.");

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(value: Uint8Array): string {
  try {
    return decoder.decode(value);
  } catch {
    throw corrupt();
  }
}

/** @throws TypeError for what UTF-8 cannot hold: half of a surrogate pair. */
function encode(name: string, text: unknown): Uint8Array {
  if (typeof text !== "string") throw new TypeError(`${name} must be a string.`);
  const bytes = encoder.encode(text);
  if (decoder.decode(bytes) !== text) throw new TypeError(`${name} must be a string of well-formed Unicode.`);
  return bytes;
}

function checkKey(key: unknown): Uint8Array {
  if (typeof key !== "string" || key === "") {
    throw new TypeError("key must be a string that is not empty.");
  }
  return encode("key", key);
}

function checkTtl(ttlMs: unknown): void {
  if (!Number.isFinite(ttlMs) || (ttlMs as number) <= 0) {
    throw new TypeError("ttlMs must be a number of milliseconds above 0.");
  }
}

/** A time or duration as a column of integers holds it. The largest safe number stands for endless. */
const wholeMs = (ms: number): number => Math.min(Math.ceil(ms), Number.MAX_SAFE_INTEGER);
