import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databaseFile } from "./support/database-file.js";
import { drivers } from "./support/drivers.js";
import { type SqliteScripts, sqliteScripts } from "./support/sqlite-scripts.js";

let scripts: SqliteScripts;
beforeAll(() => {
  scripts = sqliteScripts();
});
afterAll(() => scripts?.[Symbol.dispose]());

/** Lets a script continue when a call has timed out on a loaded machine. */
const PATIENTLY = `
  async function patiently(call) {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (error.code !== "SQLITE_BUSY") throw error;
      }
    }
  }
`;

describe.each(drivers)("several processes on one file, with $name", (driver) => {
  it("make the tables together, when all of them are the first", async () => {
    using file = databaseFile(driver);
    const go = `${file.path}.go`;
    const children = Array.from({ length: 5 }, (_, index) =>
      scripts.start(
        `${PATIENTLY}
        say("ready");
        while (!existsSync(options.go));
        const store = sqliteStore(database);
        say(String(await patiently(() => store.write(options.key, "value", { expectedVersion: 0 }))));`,
        { driver, file: file.path, options: { go, key: `key ${index}` } },
      ),
    );
    await Promise.all(children.map(({ said }) => said("ready")));
    writeFileSync(go, "");
    const ends = await Promise.all(children.map(({ end }) => end));
    expect(ends.map(({ code, stderr }) => `${code} ${code === 0 ? "" : stderr}`)).toEqual(
      Array(5).fill("0 "),
    );
    expect(new Set(ends.map(({ lines }) => lines[1])).size).toBe(5);
    const store = sqliteStore(file.open());
    for (const [index, { lines }] of ends.entries()) {
      expect(await store.read(`key ${index}`)).toEqual({ value: "value", version: Number(lines[1]) });
    }
  });

  it("lose none of 400 updates, and are given no version twice", async () => {
    using file = databaseFile(driver);
    const store = sqliteStore(file.open());
    await store.write("count", "0", { expectedVersion: 0 });
    const children = Array.from({ length: 4 }, () =>
      scripts.start(
        `${PATIENTLY}
        const store = sqliteStore(database);
        for (let updates = 0; updates < 100; ) {
          const { value, version } = await patiently(() => store.read("count"));
          const next = await patiently(() => store.write("count", String(Number(value) + 1), { expectedVersion: version }));
          if (next === undefined) continue;
          updates += 1;
          say(String(next));
        }`,
        { driver, file: file.path },
      ),
    );
    const ends = await Promise.all(children.map(({ end }) => end));
    expect(ends.map(({ code, stderr }) => `${code} ${code === 0 ? "" : stderr}`)).toEqual(
      Array(4).fill("0 "),
    );
    expect((await store.read("count"))?.value).toBe("400");
    expect(new Set(ends.flatMap(({ lines }) => lines)).size).toBe(400);
  });

  it("hold a lock one at a time, each with a later fence", async () => {
    using file = databaseFile(driver);
    const log = `${file.path}.log`;
    writeFileSync(log, "");
    const children = Array.from({ length: 4 }, () =>
      scripts.start(
        `${PATIENTLY}
        import { appendFileSync } from "node:fs";
        const store = sqliteStore(database);
        for (let turns = 0; turns < 20; ) {
          const lock = await patiently(() => store.lock("key", { ttlMs: 600_000 }));
          if (lock === undefined) {
            await sleep(Math.random() * 5);
            continue;
          }
          turns += 1;
          appendFileSync(options.log, "in " + lock.fence + "\\n");
          await sleep(1);
          appendFileSync(options.log, "out " + lock.fence + "\\n");
          await patiently(() => lock.release());
        }`,
        { driver, file: file.path, options: { log } },
      ),
    );
    const ends = await Promise.all(children.map(({ end }) => end));
    expect(ends.map(({ code, stderr }) => `${code} ${code === 0 ? "" : stderr}`)).toEqual(
      Array(4).fill("0 "),
    );
    const lines = readFileSync(log, "utf8").trim().split("\n");
    expect(lines).toHaveLength(160);
    let last = 0;
    for (let at = 0; at < lines.length; at += 2) {
      const fence = Number(lines[at]?.split(" ")[1]);
      expect(lines.slice(at, at + 2)).toEqual([`in ${fence}`, `out ${fence}`]);
      expect(fence).toBeGreaterThan(last);
      last = fence;
    }
  });

  it("get the lock of a killed process when its time has run out, and not before", async () => {
    using file = databaseFile(driver);
    const store = sqliteStore(file.open());
    const holder = scripts.start(
      `const askedAt = Date.now();
      const lock = await sqliteStore(database).lock("key", { ttlMs: 1_000 });
      say("fence " + lock.fence);
      say("at " + askedAt);
      say("locked");
      setInterval(() => {}, 1_000);`,
      { driver, file: file.path },
    );
    await holder.said("locked");
    holder.kill();
    const { lines } = await holder.end;
    const [fence = 0, askedAt = 0] = lines.map((line) => Number(line.split(" ")[1]));
    let next = await store.lock("key", { ttlMs: 60_000 });
    while (next === undefined) {
      await sleep(20);
      next = await store.lock("key", { ttlMs: 60_000 });
    }
    expect(Date.now() - askedAt).toBeGreaterThanOrEqual(1_000);
    expect(next.fence).toBeGreaterThan(fence);
    expect(await store.write("key", "late", { expectedVersion: 0, fence })).toBeGreaterThan(0);
  });
});
