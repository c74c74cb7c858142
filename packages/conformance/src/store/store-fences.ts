import { expect, it } from "vitest";
import { present, put, type StoreSubject, setStoreStage, take } from "./store-stage.js";

/** Who writes with the fence of a lock is refused once the holder of a later one has written. */
export function describeFences(subject: StoreSubject): void {
  const { tickMs } = subject.capabilities;

  it("takes writes with the fence of the lock that is held", async () => {
    await using stage = await setStoreStage(subject);
    const { fence } = await take(stage.store, stage.key);
    await put(stage.store, stage.key, "first", { fence });
    await put(stage.store, stage.key, "second", { fence });
    await stage.store.delete(stage.key);
    await put(stage.store, stage.key, "third", { fence });
  });

  it("compares versions with a fence too", async () => {
    await using stage = await setStoreStage(subject);
    const version = await put(stage.store, stage.key, "first");
    const { fence } = await take(stage.store, stage.key);
    for (const expectedVersion of [0, version + 1]) {
      expect(await stage.store.write(stage.key, "second", { expectedVersion, fence })).toBeUndefined();
    }
    await present(stage.other, stage.key, "first");
  });

  it("refuses an earlier fence once a later one has written", async () => {
    await using stage = await setStoreStage(subject);
    await put(stage.store, stage.key, "first");
    const early = await take(stage.store, stage.key, tickMs);
    const later = await stage.until(() => stage.other.lock(stage.key, { ttlMs: 10 * tickMs }));
    const expectedVersion = await put(stage.other, stage.key, "second", { fence: later.fence });
    const late = { expectedVersion, fence: early.fence };
    expect(await stage.store.write(stage.key, "late", late)).toBeUndefined();
    await later.release();
    expect(await stage.store.write(stage.key, "late", late)).toBeUndefined();
    expect(await stage.other.read(stage.key)).toEqual({ value: "second", version: expectedVersion });
  });

  it("takes an earlier fence as long as a later one has not written", async () => {
    await using stage = await setStoreStage(subject);
    const expectedVersion = await put(stage.store, stage.key, "first");
    const early = await take(stage.store, stage.key);
    await early.release();
    const { fence } = await take(stage.other, stage.key);
    // Refused, so not written.
    const refused = { expectedVersion: expectedVersion + 1, fence };
    expect(await stage.other.write(stage.key, "other", refused)).toBeUndefined();
    await put(stage.store, stage.key, "second", { fence: early.fence });
  });

  it("takes the fence of a lock whose time is over, when nobody else has written", async () => {
    await using stage = await setStoreStage(subject);
    const { fence } = await take(stage.store, stage.key, tickMs);
    await stage.pass(2 * tickMs);
    await put(stage.store, stage.key, "value", { fence });
  });

  it("takes writes without a fence whoever has written, and remembers the fences", async () => {
    await using stage = await setStoreStage(subject);
    const early = await take(stage.store, stage.key);
    await early.release();
    const later = await take(stage.other, stage.key);
    await put(stage.other, stage.key, "first", { fence: later.fence });
    const expectedVersion = await put(stage.store, stage.key, "second");
    const late = { expectedVersion, fence: early.fence };
    expect(await stage.store.write(stage.key, "late", late)).toBeUndefined();
    await put(stage.other, stage.key, "third", { fence: later.fence });
  });

  it("remembers the fence that wrote a record which was removed", async () => {
    await using stage = await setStoreStage(subject);
    const early = await take(stage.store, stage.key);
    await early.release();
    const later = await take(stage.other, stage.key);
    await put(stage.other, stage.key, "last", { fence: later.fence });
    await stage.other.delete(stage.key);
    await later.release();
    const late = { expectedVersion: 0, fence: early.fence };
    expect(await stage.store.write(stage.key, "late", late)).toBeUndefined();
    expect(await stage.other.read(stage.key)).toBeUndefined();

    const expectedVersion = await put(stage.other, stage.key, "of the next login");
    expect(await stage.store.write(stage.key, "late", { ...late, expectedVersion })).toBeUndefined();
    await present(stage.other, stage.key, "of the next login");
  });

  it("compares the fences of one key alone", async () => {
    await using stage = await setStoreStage(subject);
    const second = `${stage.key}-second`;
    const { fence } = await take(stage.store, stage.key);
    for (let round = 0; round < 3; round += 1) {
      const lock = await take(stage.other, second);
      await put(stage.other, second, "of the second key", { fence: lock.fence });
      await lock.release();
      await put(stage.store, stage.key, `${round}`, { fence });
      await stage.other.delete(second);
      await stage.store.delete(stage.key);
    }
    await put(stage.store, stage.key, "of the first key", { fence });
  });
}
