import { readFileSync } from "node:fs";
import { type SqliteDatabase, sqliteStore } from "@talkdesk-oauth/sqlite";
import { describe, expect, it } from "vitest";
import { databaseFile } from "./support/database-file.js";
import { drivers, type Handle } from "./support/drivers.js";
import { rejectionOf } from "./support/rejection.js";
import { watchedHandle } from "./support/watched-handle.js";

function columnsOf(database: Handle, sql: string): readonly unknown[] {
  return Object.values(Object(database.prepare(sql).get()));
}

describe("a value that is not a handle", () => {
  it.each([undefined, null, "tokens.db", {}, { exec() {} }, { prepare() {} }])(
    "refuses %o at once",
    (database) => {
      expect(() => sqliteStore(database as SqliteDatabase)).toThrow(TypeError);
    },
  );

  it.each([
    ["by promise", { exec: async () => {}, prepare: () => ({ get: async () => ({ timeout: 0 }) }) }],
    ["by callback", { exec() {}, prepare: () => ({ get() {} }) }],
  ])("rejects when statements answer %s", async (_, database) => {
    const store = sqliteStore(database as unknown as SqliteDatabase);
    expect(await rejectionOf(store.read("key"))).toBeInstanceOf(TypeError);
  });
});

describe.each(drivers)("a handle of $name", (driver) => {
  it("is not used before the first call", () => {
    using file = databaseFile(driver);
    const said: string[] = [];
    sqliteStore(watchedHandle(file.open(), (sql) => said.push(sql)));
    expect(said).toEqual([]);
  });

  it("keeps its settings, also when a call fails", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    await store.read("key");
    const settings = () =>
      ["busy_timeout", "synchronous", "journal_mode"].flatMap((name) =>
        columnsOf(database, `PRAGMA ${name}`).slice(0, 1),
      );
    database.exec("PRAGMA busy_timeout = 4321; PRAGMA synchronous = OFF");
    await store.write("key", "value", { expectedVersion: 0 });
    await store.read("key");
    await (await store.lock("key", { ttlMs: 1_000 }))?.release();
    expect(settings().map(String)).toEqual(["4321", "0", "wal"]);
    database.exec("PRAGMA query_only = 1");
    expect(await rejectionOf(store.delete("key"))).toBeDefined();
    expect(settings().map(String)).toEqual(["4321", "0", "wal"]);
  });

  it("commits a write to the disk, with any setting of the handle", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    const levels: number[] = [];
    const store = sqliteStore(
      watchedHandle(database, (sql) => {
        if (sql === "COMMIT") levels.push(Number(columnsOf(database, "PRAGMA synchronous")[0]));
      }),
    );
    await store.read("key");
    database.exec("PRAGMA synchronous = OFF");
    levels.length = 0;
    await store.write("key", "value", { expectedVersion: 0 });
    await store.delete("key");
    expect(levels).toEqual([2, 2]);
  });

  it("may have an open transaction, in which every call rejects", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    database.exec("CREATE TABLE users (name TEXT)");
    const store = sqliteStore(database);
    const lock = await store.lock("locked", { ttlMs: 60_000 });
    const version = await store.write("key", "value", { expectedVersion: 0 });
    for (const isFirst of [true, false]) {
      const used = isFirst ? sqliteStore(database) : store;
      database.exec("BEGIN; INSERT INTO users VALUES ('Ada')");
      const calls = [
        used.read("key"),
        used.write("key", "next", { expectedVersion: version ?? 0 }),
        used.delete("key"),
        used.lock("other", { ttlMs: 60_000 }),
        ...(isFirst ? [] : [lock?.extend?.(1_000), lock?.release()]),
      ];
      for (const call of calls) {
        expect(await rejectionOf(Promise.resolve(call))).toMatchObject({ code: "transaction_open" });
      }
      database.exec("COMMIT");
    }
    expect(columnsOf(database, "SELECT count(*) FROM users").map(Number)[0]).toBe(2);
    expect(await store.read("key")).toEqual({ value: "value", version });
    expect(await store.lock("other", { ttlMs: 60_000 })).toBeDefined();
    expect(await lock?.extend?.(1_000)).toBe(true);
  });

  it("rejects every call once it is closed, and is not opened again", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    const lock = await store.lock("key", { ttlMs: 60_000 });
    const version = await store.write("key", "value", { expectedVersion: 0 });
    database.close();
    const calls = [
      store.read("key"),
      store.write("key", "next", { expectedVersion: version ?? 0 }),
      store.delete("key"),
      store.lock("other", { ttlMs: 60_000 }),
      lock?.extend?.(1_000),
      lock?.release(),
      sqliteStore(database).read("key"),
    ];
    for (const call of calls) {
      expect(await rejectionOf(Promise.resolve(call))).toMatchObject({ code: "SQLITE_MISUSE" });
    }
    expect(await sqliteStore(file.open()).read("key")).toEqual({ value: "value", version });
  });

  it("may be shared by two stores", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    const [one, two] = [sqliteStore(database), sqliteStore(database)];
    const version = await one.write("key", "value", { expectedVersion: 0 });
    expect(await two.read("key")).toEqual({ value: "value", version });
  });

  it("may have other tables in the file, and a user_version", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    database.exec(
      "PRAGMA user_version = 99; CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('Ada')",
    );
    const store = sqliteStore(database);
    await store.write("key", "value", { expectedVersion: 0 });
    expect(columnsOf(database, "PRAGMA user_version").map(Number)[0]).toBe(99);
    expect(columnsOf(database, "SELECT name FROM users")[0]).toBe("Ada");
    const others = database.prepare(
      "SELECT count(*) FROM sqlite_master WHERE tbl_name <> 'users' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'talkdesk_oauth_%'",
    );
    expect(Number(Object.values(Object(others.get()))[0])).toBe(0);
  });

  it("sets a new file to WAL mode, and leaves a file alone that has the tables", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    await sqliteStore(database).read("key");
    expect(columnsOf(database, "PRAGMA journal_mode")[0]).toBe("wal");
    database.exec("PRAGMA journal_mode = DELETE");
    database.close();
    const again = file.open();
    const store = sqliteStore(again);
    const version = await store.write("key", "value", { expectedVersion: 0 });
    expect(columnsOf(again, "PRAGMA journal_mode")[0]).toBe("delete");
    expect(await sqliteStore(file.open()).read("key")).toEqual({ value: "value", version });
  });

  it("refuses tables of a newer version, and changes nothing", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    const version = await store.write("key", "value", { expectedVersion: 0 });
    const lock = await store.lock("locked", { ttlMs: 60_000 });
    database.exec("UPDATE talkdesk_oauth_store SET schema_version = 2");
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const before = readFileSync(file.path);
    for (const used of [store, sqliteStore(file.open())]) {
      const calls = [
        used.read("key"),
        used.write("key", "next", { expectedVersion: version ?? 0 }),
        used.delete("key"),
        used.lock("other", { ttlMs: 60_000 }),
        lock?.extend?.(1_000),
        lock?.release(),
      ];
      for (const call of calls) {
        expect(await rejectionOf(Promise.resolve(call))).toMatchObject({ code: "schema_newer" });
      }
    }
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    expect(readFileSync(file.path).equals(before)).toBe(true);
    database.exec("UPDATE talkdesk_oauth_store SET schema_version = 1");
    expect(await store.read("key")).toEqual({ value: "value", version });
    expect(await lock?.extend?.(1_000)).toBe(true);
  });
});

const settable: readonly (readonly [string, string, (file: string) => Handle])[] = drivers.flatMap(
  (driver) => {
    if (driver.name !== "node:sqlite") {
      const open = (file: string) => {
        const database = driver.open(file);
        (database as Handle & { defaultSafeIntegers(): void }).defaultSafeIntegers();
        return database;
      };
      return [[driver.name, "bigints", open] as const];
    }
    return ["readBigInts", "returnArrays"].map(
      (option) => [driver.name, option, (file: string) => driver.open(file, { [option]: true })] as const,
    );
  },
);

it.each(settable)("takes a handle of %s that is set to %s", async (_, __, open) => {
  const database = open(":memory:");
  const store = sqliteStore(database);
  const lock = await store.lock("key", { ttlMs: 60_000 });
  const version = await store.write("key", "value", { expectedVersion: 0, fence: lock?.fence ?? 0 });
  expect([typeof lock?.fence, typeof version]).toEqual(["number", "number"]);
  expect(await store.read("key")).toEqual({ value: "value", version });
  expect(await store.write("key", "next", { expectedVersion: 1 })).toBeUndefined();
  expect(await lock?.extend?.(1_000)).toBe(true);
  await lock?.release();
  await store.delete("key");
  expect(await store.write("key", "late", { expectedVersion: 0, fence: 1 })).toBeUndefined();
  database.close();
});

it.each(drivers.filter(({ name }) => name === "node:sqlite"))(
  "goes on when a handle of $name is closed and opened again",
  async (driver) => {
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    const version = await store.write("key", "value", { expectedVersion: 0 });
    database.close();
    (database as Handle & { open(): void }).open();
    expect(await store.read("key")).toEqual({ value: "value", version });
  },
);
