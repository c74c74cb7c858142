import type { TokenStore } from "@talkdesk-oauth/core";
import { expect, it } from "vitest";
import { expectRecord, passTurns, put, type StoreSubject, setStoreStage, takeLock } from "./stage.js";

const values: readonly [name: string, value: string][] = [
  ["JSON", '{"value":"a\\"b","list":[1,null]}'],
  ["no character", ""],
  ["white space around", " \t a \r\n"],
  ["a byte order mark", "\uFEFFa"],
  ["many scripts", "ключ 鍵 مفتاح 🔑👩‍💻 e\u0301 é"],
  ["64 KiB", "0123456789abcdef".repeat(4_096)],
  ["64 KiB beyond ASCII", "🔑".repeat(16_384)],
];

/** Characters at which some databases cut a text, or which they replace. A store keeps them exactly or refuses them. */
const awkward: readonly [name: string, text: string][] = [
  ["a zero byte", "a\u0000b"],
  ["a zero byte at its end", "a\u0000"],
  ["the first half of a surrogate pair", "a\uD83D"],
  ["the second half of a surrogate pair", "\uDD11a"],
  ["two halves in the wrong order", "\uDD11\uD83D"],
];

/** Keys that a store may confuse with something else, or with each other. */
const strangeKeys: readonly string[] = [
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "null", "undefined", "0"],
  ...["user", "User", "user ", " user", "user:", "user:lock", "user:fence", "user:version", "lock:user"],
  ...["us?r", "us*r", "*", "use[qr]", "{user}", "us_r", "us%r", "us%65r", "us\\er", "us'er", 'us"er'],
  ...["a/b", "../a", "a\nb", "é", "e\u0301", "🔑", "鍵"],
  ...["k".repeat(1_000), `${"k".repeat(999)}K`],
];

/** Writes compare versions and have one winner, and each key holds its own value. */
export function describeStoredRecords(subject: StoreSubject): void {
  it("has no record at first", async () => {
    await using stage = await setStoreStage(subject);
    expect(await stage.store.read(stage.key)).toBeUndefined();
    expect(await stage.other.read(stage.key)).toBeUndefined();
  });

  it.each(values)("gives back what was written: %s", async (_, value) => {
    await using stage = await setStoreStage(subject);
    expect(await stage.store.write(stage.key, value, { expectedVersion: 0 })).toBeGreaterThan(0);
    for (const store of [stage.store, stage.other, await stage.another()]) {
      const { version } = await expectRecord(store, stage.key, value);
      expect(version).toBeGreaterThan(0);
      expect(Number.isFinite(version)).toBe(true);
    }
  });

  it.each(awkward)("gives back a value with %s, or refuses it", async (_, value) => {
    await using stage = await setStoreStage(subject);
    const before = await put(stage.store, stage.key, "before");
    const [outcome] = await Promise.allSettled([
      stage.store.write(stage.key, value, { expectedVersion: before }),
    ]);
    const expected = outcome.status === "rejected" ? "before" : value;
    const { version } = await expectRecord(stage.other, stage.key, expected);
    expect(version).toBe(outcome.status === "rejected" ? before : outcome.value);
  });

  it.each(awkward)("keeps a key with %s apart from all others, or refuses it", async (_, text) => {
    await using stage = await setStoreStage(subject);
    const key = `${stage.key} ${text}`;
    const alike = [
      stage.key,
      `${stage.key} `,
      key.replace(/\p{Surrogate}/gu, "\uFFFD"),
      `${stage.key} a`,
      `${stage.key} \uFFFD\uFFFD`,
    ];
    const others = alike.filter((other) => other !== key);
    const [outcome] = await Promise.allSettled([stage.store.write(key, "its own", { expectedVersion: 0 })]);
    for (const other of others) {
      const [found] = await Promise.allSettled([stage.other.read(other)]);
      expect(found.status === "rejected" ? undefined : found.value, other).toBeUndefined();
    }
    if (outcome.status === "fulfilled") await expectRecord(stage.other, key, "its own");
  });

  it("creates a record where there is none, and only there", async () => {
    await using stage = await setStoreStage(subject);
    const version = await put(stage.store, stage.key, "first");
    for (const store of [stage.store, stage.other]) {
      expect(await store.write(stage.key, "second", { expectedVersion: 0 })).toBeUndefined();
      expect(await store.read(stage.key)).toEqual({ value: "first", version });
    }
  });

  it("replaces a record at its version, and at no other", async () => {
    await using stage = await setStoreStage(subject);
    const first = await put(stage.store, stage.key, "first");
    const second = await put(stage.other, stage.key, "second");
    expect(second).not.toBe(first);
    for (const expectedVersion of [0, first, second + 1, second + 1_000]) {
      expect(await stage.store.write(stage.key, "third", { expectedVersion })).toBeUndefined();
    }
    expect(await stage.other.read(stage.key)).toEqual({ value: "second", version: second });
    expect(await stage.store.write(stage.key, "third", { expectedVersion: second })).toBeGreaterThan(0);
    expect((await expectRecord(stage.other, stage.key, "third")).version).not.toBe(second);
  });

  it("writes at no version but 0 where there is no record", async () => {
    await using stage = await setStoreStage(subject);
    for (const expectedVersion of [1, 2, 1_000]) {
      expect(await stage.store.write(stage.key, "value", { expectedVersion })).toBeUndefined();
    }
    expect(await stage.store.read(stage.key)).toBeUndefined();
  });

  it("changes the version though the value stays the same", async () => {
    await using stage = await setStoreStage(subject);
    const first = await put(stage.store, stage.key, "value");
    expect(await put(stage.store, stage.key, "value")).not.toBe(first);
    expect(await stage.other.write(stage.key, "late", { expectedVersion: first })).toBeUndefined();
  });

  it("keeps the version of a record through reads, locks and refused writes", async () => {
    await using stage = await setStoreStage(subject);
    const version = await put(stage.store, stage.key, "value");
    await takeLock(stage.store, stage.key);
    await stage.other.write(stage.key, "other", { expectedVersion: 0 });
    await stage.other.read(stage.key);
    expect(await stage.store.read(stage.key)).toEqual({ value: "value", version });
  });

  it("removes a record, and accepts the removal of an absent one", async () => {
    await using stage = await setStoreStage(subject);
    await stage.store.delete(stage.key);
    await put(stage.store, stage.key, "value");
    await stage.other.delete(stage.key);
    expect(await stage.store.read(stage.key)).toBeUndefined();
    await stage.store.delete(stage.key);
    expect(await stage.other.read(stage.key)).toBeUndefined();
  });

  it("refuses the write of a caller that had read a record before its removal", async () => {
    await using stage = await setStoreStage(subject);
    const version = await put(stage.store, stage.key, "value");
    await stage.other.delete(stage.key);
    expect(await stage.store.write(stage.key, "late", { expectedVersion: version })).toBeUndefined();
    expect(await stage.store.read(stage.key)).toBeUndefined();
  });

  it("refuses the write of a caller that had read an earlier record of the key", async () => {
    await using stage = await setStoreStage(subject);
    const version = await put(stage.store, stage.key, "of one login");
    await stage.store.delete(stage.key);
    const next = await put(stage.store, stage.key, "of the next login");
    expect(await stage.other.write(stage.key, "late", { expectedVersion: version })).toBeUndefined();
    expect(await stage.other.read(stage.key)).toEqual({ value: "of the next login", version: next });
  });

  it("gives a key no version twice, also after removals", async () => {
    await using stage = await setStoreStage(subject);
    const versions: number[] = [];
    for (let round = 0; round < 50; round += 1) {
      const store: TokenStore = round % 2 === 0 ? stage.store : stage.other;
      versions.push(await put(store, stage.key, `value ${round}`));
      if (round % 3 === 0) await store.delete(stage.key);
      if (round % 7 === 0) await stage.store.delete(stage.key);
    }
    expect(new Set(versions).size).toBe(versions.length);
  });

  it("keeps keys apart that look alike or look special", async () => {
    await using stage = await setStoreStage(subject);
    for (const key of strangeKeys) expect(await stage.store.read(key), key).toBeUndefined();
    for (const key of strangeKeys) {
      expect(await stage.store.write(key, `of ${key}`, { expectedVersion: 0 }), key).toBeGreaterThan(0);
    }
    for (const key of strangeKeys) {
      // A lock must not be mistaken for a record, nor the other way round.
      await takeLock(stage.store, key);
      await expectRecord(stage.other, key, `of ${key}`);
    }
    for (const [index, key] of strangeKeys.entries()) {
      await stage.store.delete(key);
      expect(await stage.store.read(key), key).toBeUndefined();
      for (const left of strangeKeys.slice(index + 1)) await expectRecord(stage.other, left, `of ${left}`);
    }
  });

  it("lets one of several writers win, in each of 1,000 interleavings", async () => {
    await using stage = await setStoreStage(subject);
    let current = 0;
    for (let round = 0; round < 1_000; round += 1) {
      const writers = 2 + (round % 4);
      const answers = await Promise.all(
        Array.from({ length: writers }, async (_, writer) => {
          await passTurns((round * 7 + writer * (round % 5)) % 6);
          const store = writer % 2 === 0 ? stage.store : stage.other;
          return store.write(stage.key, `${round} ${writer}`, { expectedVersion: current });
        }),
      );
      const winner = answers.findIndex((answer) => answer !== undefined);
      expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1);
      const { version } = await expectRecord(stage.other, stage.key, `${round} ${winner}`);
      expect(answers[winner]).toBe(version);
      expect(version).not.toBe(current);
      current = version;
      if (round % 10 === 9) {
        await stage.store.delete(stage.key);
        current = 0;
      }
    }
  }, 300_000);

  it("loses none of 1,000 updates by writers that read again after a refusal", async () => {
    await using stage = await setStoreStage(subject);
    await put(stage.store, stage.key, "0");
    await Promise.all(
      Array.from({ length: 4 }, async (_, writer) => {
        const store = writer % 2 === 0 ? stage.store : stage.other;
        // Each refusal means that another writer has succeeded, so there are fewer refusals than updates.
        for (let updates = 0, attempts = 0; updates < 250 && attempts < 1_000; attempts += 1) {
          const { value, version } = (await store.read(stage.key)) ?? { value: "", version: 0 };
          await passTurns((writer * 3 + updates) % 5);
          const written = await store.write(stage.key, `${Number(value) + 1}`, {
            expectedVersion: version,
          });
          if (written !== undefined) updates += 1;
        }
      }),
    );
    await expectRecord(stage.store, stage.key, "1000");
  }, 300_000);

  it("leaves no record behind when a removal and a write of that record cross", async () => {
    await using stage = await setStoreStage(subject);
    for (let round = 0; round < 200; round += 1) {
      const expectedVersion = await put(stage.store, stage.key, `${round}`);
      await Promise.all([
        passTurns(round % 5).then(() => stage.store.delete(stage.key)),
        passTurns(Math.floor(round / 5) % 5).then(() =>
          stage.other.write(stage.key, "crossing", { expectedVersion }),
        ),
      ]);
      expect(await stage.other.read(stage.key)).toBeUndefined();
    }
  }, 300_000);
}
