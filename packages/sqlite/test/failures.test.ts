import { truncateSync, writeFileSync } from "node:fs";
import { inspect } from "node:util";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import { describe, expect, it } from "vitest";
import { databaseFile } from "./support/database-file.js";
import { drivers } from "./support/drivers.js";
import { rejectionOf } from "./support/rejection.js";
import { watchedHandle } from "./support/watched-handle.js";

const KEY = "key-of-a-user-canary";
const VALUE = "refresh-token-canary";

/** Whatever a log may show of an error. */
function shown(error: unknown): string {
  const { message, stack } = error as Error;
  return [message, stack, inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error)].join("\n");
}

describe.each(drivers)("a database of $name", (driver) => {
  describe("that another connection has locked", () => {
    it("is waited for, and then every call is answered", async () => {
      using file = databaseFile(driver);
      const store = sqliteStore(file.open());
      const lock = await store.lock("locked", { ttlMs: 60_000 });
      const other = file.open();
      other.exec("BEGIN IMMEDIATE");
      const calls = Promise.all([
        store.write(KEY, VALUE, { expectedVersion: 0 }),
        store.delete("another"),
        store.lock("free", { ttlMs: 60_000 }),
        lock?.extend?.(60_000),
      ]);
      setTimeout(() => other.exec("COMMIT"), 100);
      const [version, , taken, isExtended] = await calls;
      expect(version).toBeGreaterThan(0);
      expect(taken).toBeDefined();
      expect(isExtended).toBe(true);
    });

    it("rejects after a while, and nothing has changed", async () => {
      using file = databaseFile(driver);
      const store = sqliteStore(file.open());
      const version = await store.write(KEY, VALUE, { expectedVersion: 0 });
      const other = file.open();
      other.exec("BEGIN EXCLUSIVE");
      const startedAt = performance.now();
      const calls = [
        store.write(KEY, "next", { expectedVersion: version ?? 0 }),
        store.delete(KEY),
        store.lock(KEY, { ttlMs: 60_000 }),
        sqliteStore(file.open()).write("new", VALUE, { expectedVersion: 0 }),
      ];
      for (const outcome of await Promise.all(calls.map(rejectionOf))) {
        expect(outcome).toMatchObject({ code: "SQLITE_BUSY" });
      }
      expect(performance.now() - startedAt).toBeGreaterThan(500);
      // In WAL mode a reader does not wait.
      expect(await store.read(KEY)).toEqual({ value: VALUE, version });
      other.exec("COMMIT");
      expect(await store.lock(KEY, { ttlMs: 60_000 })).toBeDefined();
      expect(await store.read("new")).toBeUndefined();
    });

    it("does not hold the thread, though the handle would wait for a minute", async () => {
      using file = databaseFile(driver);
      const database = file.open();
      const waits: number[] = [];
      const timeout = database.prepare("PRAGMA busy_timeout");
      const store = sqliteStore(
        watchedHandle(database, (sql) => {
          if (sql === "BEGIN IMMEDIATE") waits.push(Number(Object.values(Object(timeout.get()))[0]));
        }),
      );
      await store.read(KEY);
      database.exec("PRAGMA busy_timeout = 60000");
      const other = file.open();
      other.exec("BEGIN IMMEDIATE");
      waits.length = 0;
      expect(await rejectionOf(store.delete(KEY))).toMatchObject({ code: "SQLITE_BUSY" });
      expect(waits.length).toBeGreaterThan(3);
      expect(new Set(waits)).toEqual(new Set([0]));
      expect(Object.values(Object(timeout.get())).map(Number)[0]).toBe(60_000);
    });

    it("is tried for all who wait together, and not for each", async () => {
      using file = databaseFile(driver);
      let attempts = 0;
      const store = sqliteStore(
        watchedHandle(file.open(), (sql) => {
          if (sql === "BEGIN IMMEDIATE") attempts += 1;
        }),
      );
      await store.read(KEY);
      const other = file.open();
      other.exec("BEGIN IMMEDIATE");
      attempts = 0;
      const calls = Array.from({ length: 1_000 }, (_, index) => rejectionOf(store.delete(`key ${index}`)));
      const outcomes = await Promise.all(calls);
      expect(outcomes.every((error) => (error as { code?: string }).code === "SQLITE_BUSY")).toBe(true);
      // One try in 5 ms at the most.
      expect(attempts).toBeLessThan(400);
    });

    it("gives no lock to a caller who has given up meanwhile", async () => {
      using file = databaseFile(driver);
      const store = sqliteStore(file.open());
      await store.read(KEY);
      const other = file.open();
      other.exec("BEGIN IMMEDIATE");
      const giveUp = new AbortController();
      const call = store.lock(KEY, { ttlMs: 60_000, signal: giveUp.signal });
      const reason = new Error("the caller has lost interest");
      setTimeout(() => {
        giveUp.abort(reason);
        other.exec("COMMIT");
      }, 20);
      expect(await rejectionOf(call)).toBe(reason);
      expect(await store.lock(KEY, { ttlMs: 60_000 })).toBeDefined();
    });
  });

  it("that is full rejects a write, loses nothing, and goes on when there is room", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    const version = await store.write(KEY, VALUE, { expectedVersion: 0 });
    database.exec("PRAGMA max_page_count = 1");
    const large = VALUE.repeat(50_000);
    const error = await rejectionOf(store.write(KEY, large, { expectedVersion: version ?? 0 }));
    expect(error).toMatchObject({ code: "SQLITE_FULL" });
    expect(shown(error)).not.toMatch(/canary/);
    expect(await store.read(KEY)).toEqual({ value: VALUE, version });
    expect(await store.lock(KEY, { ttlMs: 60_000 })).toBeDefined();
    database.exec("PRAGMA max_page_count = 1000000");
    const next = await store.write(KEY, large, { expectedVersion: version ?? 0 });
    expect(await store.read(KEY)).toEqual({ value: large, version: next });
  });

  it("that is full when the tables are made has no tables", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    database.exec("CREATE TABLE users (name TEXT); PRAGMA max_page_count = 4");
    const store = sqliteStore(database);
    expect(await rejectionOf(store.read(KEY))).toMatchObject({ code: "SQLITE_FULL" });
    const tables = database.prepare("SELECT count(*) FROM sqlite_master").get();
    expect(Object.values(Object(tables)).map(Number)[0]).toBe(1);
    database.exec("PRAGMA max_page_count = 1000000");
    expect(await store.write(KEY, VALUE, { expectedVersion: 0 })).toBeGreaterThan(0);
  });

  it("that is read-only is read, and rejects every other call", async () => {
    using file = databaseFile(driver);
    const writer = sqliteStore(file.open());
    const version = await writer.write(KEY, VALUE, { expectedVersion: 0 });
    const store = sqliteStore(file.openReadOnly());
    expect(await store.read(KEY)).toEqual({ value: VALUE, version });
    const calls = [
      store.write(KEY, "next", { expectedVersion: version ?? 0 }),
      store.delete(KEY),
      store.lock(KEY, { ttlMs: 60_000 }),
    ];
    for (const outcome of await Promise.all(calls.map(rejectionOf))) {
      expect(outcome).toMatchObject({ code: "SQLITE_READONLY" });
      expect(shown(outcome)).not.toMatch(/canary/);
    }
    expect(await writer.read(KEY)).toEqual({ value: VALUE, version });
    expect(await writer.lock(KEY, { ttlMs: 60_000 })).toBeDefined();
  });

  it("that is read-only and has no tables rejects every call", async () => {
    using file = databaseFile(driver);
    file.open().exec("CREATE TABLE users (name TEXT)");
    const store = sqliteStore(file.openReadOnly());
    expect(await rejectionOf(store.read(KEY))).toMatchObject({ code: "SQLITE_READONLY" });
  });

  it("that is not a database rejects every call, and the file is unchanged", async () => {
    using file = databaseFile(driver);
    writeFileSync(file.path, `${VALUE} `.repeat(500));
    const error = await rejectionOf(sqliteStore(file.open()).read(KEY));
    expect(error).toMatchObject({ code: "SQLITE_NOTADB" });
    expect(shown(error)).not.toMatch(/canary/);
  });

  it("that is damaged rejects calls, and does not call a record corrupt", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    await store.write(KEY, VALUE.repeat(1_000), { expectedVersion: 0 });
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
    truncateSync(file.path, 8_192);
    const error = await rejectionOf(sqliteStore(file.open()).read(KEY));
    expect(error).toMatchObject({ code: "SQLITE_CORRUPT" });
    expect(shown(error)).not.toMatch(/canary/);
  });

  it("shows no key and no value in errors of records", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    await store.write(KEY, VALUE, { expectedVersion: 0 });
    database.exec("UPDATE talkdesk_oauth_tokens SET version = 'text'");
    const wrong = { expectedVersion: 0, expiresAt: Number.NaN };
    const errors = [
      await rejectionOf(store.read(KEY)),
      await rejectionOf(store.write(KEY, VALUE, { expectedVersion: 0 })),
      await rejectionOf(store.write(KEY, VALUE, wrong)),
      await rejectionOf(store.write(`${KEY}\uD83D`, VALUE, { expectedVersion: 0 })),
      await rejectionOf(store.write(KEY, `${VALUE}\uD83D`, { expectedVersion: 0 })),
    ];
    database.exec("BEGIN");
    errors.push(await rejectionOf(store.write(KEY, VALUE, { expectedVersion: 0 })));
    database.exec("COMMIT");
    database.exec(
      "CREATE TRIGGER no BEFORE INSERT ON talkdesk_oauth_tokens BEGIN SELECT raise(ABORT, 'no'); END",
    );
    errors.push(await rejectionOf(store.write("other", VALUE, { expectedVersion: 0 })));
    database.close();
    errors.push(await rejectionOf(store.write(KEY, VALUE, { expectedVersion: 0 })));
    for (const error of errors) {
      expect(error).toBeInstanceOf(Error);
      expect(shown(error)).not.toMatch(/canary/);
    }
  });
});
