import { expect, it } from "vitest";
import { expectRecord, put, type StoreSubject, setStoreStage, takeLock } from "./stage.js";

/** A write with the fence of a lock is refused once a write with a later fence has succeeded. */
export function describeFences(subject: StoreSubject): void {
  const { tickMs } = subject.capabilities;

  it("accepts writes with the fence of the held lock", async () => {
    await using stage = await setStoreStage(subject);
    const { fence } = await takeLock(stage.store, stage.key);
    await put(stage.store, stage.key, "first", { fence });
    await put(stage.store, stage.key, "second", { fence });
    await stage.store.delete(stage.key);
    await put(stage.store, stage.key, "third", { fence });
  });

  it("compares versions also when there is a fence", async () => {
    await using stage = await setStoreStage(subject);
    const version = await put(stage.store, stage.key, "first");
    const { fence } = await takeLock(stage.store, stage.key);
    for (const expectedVersion of [0, version + 1]) {
      expect(await stage.store.write(stage.key, "second", { expectedVersion, fence })).toBeUndefined();
    }
    await expectRecord(stage.other, stage.key, "first");
  });

  it("refuses an earlier fence once a later one has written", async () => {
    await using stage = await setStoreStage(subject);
    await put(stage.store, stage.key, "first");
    const early = await takeLock(stage.store, stage.key, tickMs);
    const later = await stage.until(() => stage.other.lock(stage.key, { ttlMs: 10 * tickMs }));
    const expectedVersion = await put(stage.other, stage.key, "second", { fence: later.fence });
    const late = { expectedVersion, fence: early.fence };
    expect(await stage.store.write(stage.key, "late", late)).toBeUndefined();
    await later.release();
    expect(await stage.store.write(stage.key, "late", late)).toBeUndefined();
    expect(await stage.other.read(stage.key)).toEqual({ value: "second", version: expectedVersion });
  });

  it("accepts an earlier fence as long as a later one has not written", async () => {
    await using stage = await setStoreStage(subject);
    const expectedVersion = await put(stage.store, stage.key, "first");
    const early = await takeLock(stage.store, stage.key);
    await early.release();
    const { fence } = await takeLock(stage.other, stage.key);
    // A refused write does not count as one.
    const refused = { expectedVersion: expectedVersion + 1, fence };
    expect(await stage.other.write(stage.key, "other", refused)).toBeUndefined();
    await put(stage.store, stage.key, "second", { fence: early.fence });
  });

  it("accepts the fence of an expired lock when nobody else has written", async () => {
    await using stage = await setStoreStage(subject);
    const { fence } = await takeLock(stage.store, stage.key, tickMs);
    await stage.pass(2 * tickMs);
    await put(stage.store, stage.key, "value", { fence });
  });

  it("accepts writes without a fence at any time, and remembers the fences", async () => {
    await using stage = await setStoreStage(subject);
    const early = await takeLock(stage.store, stage.key);
    await early.release();
    const later = await takeLock(stage.other, stage.key);
    await put(stage.other, stage.key, "first", { fence: later.fence });
    const expectedVersion = await put(stage.store, stage.key, "second");
    const late = { expectedVersion, fence: early.fence };
    expect(await stage.store.write(stage.key, "late", late)).toBeUndefined();
    await put(stage.other, stage.key, "third", { fence: later.fence });
  });

  it("remembers the fence that wrote a record after the record is removed", async () => {
    await using stage = await setStoreStage(subject);
    const early = await takeLock(stage.store, stage.key);
    await early.release();
    const later = await takeLock(stage.other, stage.key);
    await put(stage.other, stage.key, "last", { fence: later.fence });
    await stage.other.delete(stage.key);
    await later.release();
    const late = { expectedVersion: 0, fence: early.fence };
    expect(await stage.store.write(stage.key, "late", late)).toBeUndefined();
    expect(await stage.other.read(stage.key)).toBeUndefined();

    const expectedVersion = await put(stage.other, stage.key, "of the next login");
    expect(await stage.store.write(stage.key, "late", { ...late, expectedVersion })).toBeUndefined();
    await expectRecord(stage.other, stage.key, "of the next login");
  });

  it("compares fences only within one key", async () => {
    await using stage = await setStoreStage(subject);
    const second = `${stage.key}-second`;
    const { fence } = await takeLock(stage.store, stage.key);
    for (let round = 0; round < 3; round += 1) {
      const lock = await takeLock(stage.other, second);
      await put(stage.other, second, "of the second key", { fence: lock.fence });
      await lock.release();
      await put(stage.store, stage.key, `${round}`, { fence });
      await stage.other.delete(second);
      await stage.store.delete(stage.key);
    }
    await put(stage.store, stage.key, "of the first key", { fence });
  });
}
