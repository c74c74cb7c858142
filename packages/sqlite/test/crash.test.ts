import { copyFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DatabaseFile, databaseFile } from "./support/database-file.js";
import { type Driver, driverNamed, drivers } from "./support/drivers.js";
import { type SqliteScripts, sqliteScripts } from "./support/sqlite-scripts.js";

let scripts: SqliteScripts;
beforeAll(() => {
  scripts = sqliteScripts();
});
afterAll(() => scripts?.[Symbol.dispose]());

const LONG_MS = 86_400_000;

/** The contents of a file, as read by the process that opens it after a crash. */
interface Found {
  readonly value: string | undefined;
  readonly locks: number;
  /** How long the lock was taken for. */
  readonly ttlMs: number;
}

interface Operation {
  readonly name: string;
  /** JavaScript: what is done before, and what is cut short. `store`, `version` and `lock` are in scope. */
  readonly before?: string;
  readonly call: string;
  readonly from: Found;
  readonly to: Found;
}

const free = { locks: 0, ttlMs: 0 };
const LOCK = `lock = await store.lock("key", { ttlMs: ${LONG_MS} });`;
const locked = { value: "first", locks: 1, ttlMs: LONG_MS };

const operations: readonly Operation[] = [
  {
    name: "write over a record",
    call: `store.write("key", "second", { expectedVersion: version })`,
    from: { value: "first", ...free },
    to: { value: "second", ...free },
  },
  {
    name: "write a record that is over at once",
    call: `store.write("key", "second", { expectedVersion: version, expiresAt: 1 })`,
    from: { value: "first", ...free },
    to: { value: undefined, ...free },
  },
  {
    name: "write with the fence of a lock",
    before: LOCK,
    call: `store.write("key", "second", { expectedVersion: version, fence: lock.fence })`,
    from: locked,
    to: { ...locked, value: "second" },
  },
  {
    name: "delete",
    call: `store.delete("key")`,
    from: { value: "first", ...free },
    to: { value: undefined, ...free },
  },
  {
    name: "lock",
    call: `store.lock("key", { ttlMs: ${LONG_MS} })`,
    from: { value: "first", ...free },
    to: locked,
  },
  {
    name: "extend",
    before: LOCK,
    call: `lock.extend(${2 * LONG_MS})`,
    from: locked,
    to: { ...locked, ttlMs: 2 * LONG_MS },
  },
  {
    name: "release",
    before: LOCK,
    call: "lock.release()",
    from: locked,
    to: { value: "first", ...free },
  },
];

/** Ends the process before the statement of that number, counted from when `isArmed` is set. */
const KILL_BETWEEN = `
  let isArmed = false;
  let reached = 0;
  function reach() {
    if (isArmed && reached++ === options.at) process.kill(process.pid, "SIGKILL");
  }
  const watched = {
    exec(sql) { reach(); return database.exec(sql); },
    prepare(sql) {
      const statement = database.prepare(sql);
      return {
        get(...values) { reach(); return statement.get(...values); },
        run(...values) { reach(); return statement.run(...values); },
      };
    },
  };
`;

/** Ends the process within a statement, before or after the row of that number is written. */
const KILL_WITHIN = `
  let isArmed = false;
  let reached = 0;
  const watched = database;
  await sqliteStore(database).read("key");
  const crash = () => {
    if (isArmed && reached++ === options.at) process.kill(process.pid, "SIGKILL");
    return 0;
  };
  database.function("crash", crash);
  for (const table of ["store", "tokens", "locks"])
    for (const time of ["BEFORE", "AFTER"])
      for (const verb of ["INSERT", "UPDATE", "DELETE"])
        database.exec(
          \`CREATE TEMP TRIGGER \${table}_\${time}_\${verb} \${time} \${verb} ON main.talkdesk_oauth_\${table} BEGIN SELECT crash(); END\`,
        );
`;

const script = (killing: string, { before = "", call }: Operation): string => `${killing}
  const store = sqliteStore(watched);
  const { version } = (await store.read("key")) ?? { version: 0 };
  let lock;
  ${before}
  isArmed = true;
  await ${call};
  say("answered");
  process.kill(process.pid, "SIGKILL");
`;

/** A file with one record, from which each crash begins. */
async function template(driver: Driver): Promise<DatabaseFile> {
  const file = databaseFile(driver);
  const database = file.open();
  await sqliteStore(database).write("key", "first", { expectedVersion: 0 });
  // So that the file alone is the whole database: libsql leaves it to its garbage collector to close one.
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  return file;
}

/** Opens the file, and finds that nothing is damaged and that no number is given twice. */
async function look(file: DatabaseFile): Promise<Found> {
  const database = file.open();
  const first = (sql: string) => Object.values(Object(database.prepare(sql).get()));
  expect(first("PRAGMA integrity_check")[0]).toBe("ok");
  const [ttlMs = 0] = first("SELECT ttl_ms FROM talkdesk_oauth_locks");
  const [locks] = first("SELECT count(*) FROM talkdesk_oauth_locks");
  const store = sqliteStore(database);
  const record = await store.read("key");
  const [fence = 0] = first("SELECT fence FROM talkdesk_oauth_locks");
  const version = await store.write("another", "value", { expectedVersion: 0 });
  expect(version).toBeGreaterThan(Math.max(record?.version ?? 0, Number(fence)));
  expect((await store.lock("another", { ttlMs: 1_000 }))?.fence).toBeGreaterThan(version ?? 0);
  return { value: record?.value, locks: Number(locks), ttlMs: Number(ttlMs) };
}

/** Cuts an operation short at each point in turn, until it comes to its end. Gives the number of points. */
async function crashEverywhere(driver: Driver, killing: string, operation: Operation): Promise<number> {
  using base = await template(driver);
  for (let at = 0; ; at += 1) {
    using file = databaseFile(driver);
    copyFileSync(base.path, file.path);
    const child = scripts.start(script(killing, operation), { driver, file: file.path, options: { at } });
    const { code, lines, stderr } = await child.end;
    expect(code, stderr).toBe("SIGKILL");
    const found = await look(file);
    if (lines.includes("answered")) {
      expect(found).toEqual(operation.to);
      return at;
    }
    // All of it or nothing: it may have been committed, and not answered.
    expect([operation.from, operation.to], `at ${at}`).toContainEqual(found);
  }
}

describe("a process that is killed between two statements", () => {
  // The statements are the same with every driver.
  const driver = driverNamed("libsql");

  it.each(operations)("has done all or nothing: $name", async (operation) => {
    expect(await crashEverywhere(driver, KILL_BETWEEN, operation)).toBeGreaterThan(4);
  });

  it("has made all tables or none, and the next one goes on", async () => {
    for (let at = 0; ; at += 1) {
      using file = databaseFile(driver);
      const child = scripts.start(
        `${KILL_BETWEEN}
        isArmed = true;
        await sqliteStore(watched).read("key");
        say("answered");`,
        { driver, file: file.path, options: { at } },
      );
      const { code, lines } = await child.end;
      const database = file.open();
      const tables = database.prepare("SELECT count(*) FROM sqlite_master WHERE type = 'table'").get();
      expect([0, 3]).toContain(Number(Object.values(Object(tables))[0]));
      expect(await sqliteStore(database).read("key")).toBeUndefined();
      expect(await look(file)).toEqual({ value: undefined, ...free });
      if (!lines.includes("answered")) continue;
      expect(code).toBe(0);
      expect(at).toBeGreaterThan(6);
      return;
    }
  });
});

// libsql has no functions written in JavaScript.
describe.each(drivers.filter(({ name }) => name !== "libsql"))(
  "a process that is killed within a statement of $name",
  (driver) => {
    it.each(operations)("has done all or nothing: $name", async (operation) => {
      expect(await crashEverywhere(driver, KILL_WITHIN, operation)).toBeGreaterThan(1);
    });
  },
);

describe.each(drivers)("a process that is killed at any time, with $name", (driver) => {
  it("has kept every write that was answered, and gives no version twice", async () => {
    using file = databaseFile(driver);
    const answered: number[] = [];
    let count = 0;
    for (let round = 0; round < 12; round += 1) {
      const child = scripts.start(
        `const store = sqliteStore(database);
        let { value, version } = (await store.read("count")) ?? { value: "0", version: 0 };
        for (let isReady = false; ; isReady = true) {
          const lock = await store.lock("lock of " + options.round, { ttlMs: ${LONG_MS} });
          value = String(Number(value) + 1);
          version = await store.write("count", value, { expectedVersion: version, fence: lock.fence });
          say(value + " " + version);
          await lock.release();
          if (!isReady) say("ready");
        }`,
        { driver, file: file.path, options: { round } },
      );
      await child.said("ready");
      await sleep(5 * round);
      child.kill();
      const { code, lines, stderr } = await child.end;
      expect(code, stderr).toBe("SIGKILL");
      const updates = lines.filter((line) => line !== "ready").map((line) => line.split(" ").map(Number));
      for (const [value = 0, version = 0] of updates) {
        expect(value).toBe(count + 1);
        count = value;
        answered.push(version);
      }
      const database = file.open();
      expect(Object.values(Object(database.prepare("PRAGMA integrity_check").get()))[0]).toBe("ok");
      const record = await sqliteStore(database).read("count");
      // The last write may have been committed, and not answered.
      const found = Number(record?.value ?? 0);
      expect([count, count + 1]).toContain(found);
      if (found === count + 1) answered.push(record?.version ?? 0);
      else if (count > 0) expect(record?.version).toBe(answered.at(-1));
      count = found;
      database.close();
    }
    expect(count).toBeGreaterThan(0);
    expect(answered).toEqual([...new Set(answered)].sort((one, other) => one - other));
  });
});
