import { getEventListeners } from "node:events";
import type { StoreLock } from "@talkdesk-oauth/core";
import { expect, it } from "vitest";
import { catchRejection } from "../rejection.js";
import { expectHeld, LONG_MS, passTurns, put, type StoreSubject, setStoreStage, takeLock } from "./stage.js";

/** A lock has one holder until it is released or expires. */
export function describeLocks(subject: StoreSubject): void {
  const { tickMs } = subject.capabilities;

  it("gives a lock to one holder at a time", async () => {
    await using stage = await setStoreStage(subject);
    const lock = await takeLock(stage.store, stage.key);
    await expectHeld(stage.other, stage.key);
    await expectHeld(stage.store, stage.key);
    await lock.release();
    const next = await takeLock(stage.other, stage.key);
    await expectHeld(stage.store, stage.key);
    await next.release();
    await takeLock(stage.store, stage.key);
  });

  it("gives a lock to one of many callers at once", async () => {
    await using stage = await setStoreStage(subject);
    for (let round = 0; round < 50; round += 1) {
      const locks = await Promise.all(
        Array.from({ length: 20 }, async (_, asker) => {
          await passTurns((round + asker * (round % 4)) % 5);
          return (asker % 2 === 0 ? stage.store : stage.other).lock(stage.key, { ttlMs: LONG_MS });
        }),
      );
      const taken = locks.filter((lock): lock is StoreLock => lock !== undefined);
      expect(taken).toHaveLength(1);
      await taken[0]?.release();
    }
  }, 300_000);

  it("answers at once when a lock is held", async () => {
    await using stage = await setStoreStage(subject);
    await takeLock(stage.store, stage.key);
    const durationsMs: number[] = [];
    for (let ask = 0; ask < 5; ask += 1) {
      const askedAt = process.hrtime.bigint();
      await expectHeld(stage.other, stage.key);
      durationsMs.push(Number(process.hrtime.bigint() - askedAt) / 1e6);
    }
    expect(Math.min(...durationsMs)).toBeLessThan(1_000);
  });

  it("gives each lock of a key a later fence, also after writes and removals", async () => {
    await using stage = await setStoreStage(subject);
    let last = 0;
    for (let round = 0; round < 30; round += 1) {
      const store = round % 2 === 0 ? stage.store : stage.other;
      const { fence, release } = await takeLock(store, stage.key);
      expect(fence).toBeGreaterThan(last);
      last = fence;
      if (round % 3 === 0) await put(store, stage.key, `${round}`, { fence });
      if (round % 4 === 0) await store.delete(stage.key);
      await release();
      if (round % 5 === 0) await store.delete(stage.key);
    }
  });

  it("lets a lock expire after its time, and not before", async () => {
    await using stage = await setStoreStage(subject);
    const takenAt = stage.now();
    const lock = await takeLock(stage.store, stage.key, 3 * tickMs);
    const next = await stage.until(() => stage.other.lock(stage.key, { ttlMs: LONG_MS }));
    expect(stage.now() - takenAt).toBeGreaterThanOrEqual(2.9 * tickMs);
    expect(next.fence).toBeGreaterThan(lock.fence);
    await expectHeld(stage.store, stage.key);
  });

  it.each([
    ["a month", 30 * 86_400_000],
    ["a year", 365 * 86_400_000],
  ])("keeps a lock of %s", async (_, ttlMs) => {
    await using stage = await setStoreStage(subject);
    await takeLock(stage.store, stage.key, ttlMs);
    await stage.pass(tickMs);
    await expectHeld(stage.other, stage.key);
  });

  if (subject.capabilities.extendsLocks) {
    it("keeps a lock for longer when its holder extends it", async () => {
      await using stage = await setStoreStage(subject);
      const lock = await takeLock(stage.store, stage.key, 20 * tickMs);
      expect(await lock.extend?.(LONG_MS)).toBe(true);
      expect(await lock.extend?.(LONG_MS)).toBe(true);
      await stage.pass(22 * tickMs);
      await expectHeld(stage.other, stage.key);
      await put(stage.store, stage.key, "value", { fence: lock.fence });
      await lock.release();
      await takeLock(stage.other, stage.key);
    });

    it("lets an extended lock expire after its new time", async () => {
      await using stage = await setStoreStage(subject);
      const lock = await takeLock(stage.store, stage.key);
      const extendedAt = stage.now();
      expect(await lock.extend?.(3 * tickMs)).toBe(true);
      const next = await stage.until(() => stage.other.lock(stage.key, { ttlMs: LONG_MS }));
      expect(stage.now() - extendedAt).toBeGreaterThanOrEqual(2.9 * tickMs);
      expect(next.fence).toBeGreaterThan(lock.fence);
      expect(await lock.extend?.(LONG_MS)).toBe(false);
    });

    it("does not extend a lock that was released, that has expired, or that another holds", async () => {
      await using stage = await setStoreStage(subject);
      const released = await takeLock(stage.store, stage.key);
      await released.release();
      expect(await released.extend?.(LONG_MS)).toBe(false);
      const late = await takeLock(stage.other, stage.key, tickMs);
      const next = await stage.until(() => stage.store.lock(stage.key, { ttlMs: LONG_MS }));
      expect(await late.extend?.(LONG_MS)).toBe(false);
      expect(await released.extend?.(LONG_MS)).toBe(false);
      await next.release();
      expect(await late.extend?.(LONG_MS)).toBe(false);
      await takeLock(stage.other, stage.key);
    });
  } else {
    it("has no `extend` on its locks", async () => {
      await using stage = await setStoreStage(subject);
      expect((await takeLock(stage.store, stage.key)).extend).toBeUndefined();
    });
  }

  it.each([0, -1, Number.NaN])("refuses to lock for %s milliseconds", async (ttlMs) => {
    await using stage = await setStoreStage(subject);
    expect(await catchRejection(stage.store.lock(stage.key, { ttlMs }))).toBeInstanceOf(Error);
    await takeLock(stage.other, stage.key);
  });

  it("keeps a lock whose time is not a whole number of milliseconds", async () => {
    await using stage = await setStoreStage(subject);
    await takeLock(stage.store, stage.key, LONG_MS + 0.5);
    await expectHeld(stage.other, stage.key);
  });

  it("releases a lock once, and nobody else's lock afterwards", async () => {
    await using stage = await setStoreStage(subject);
    const lock = await takeLock(stage.store, stage.key);
    await Promise.all([lock.release(), lock.release()]);
    await lock.release();
    await takeLock(stage.other, stage.key);
    await lock.release();
    await expectHeld(stage.store, stage.key);
  });

  it("releases nothing for a holder whose lock has expired", async () => {
    await using stage = await setStoreStage(subject);
    const late = await takeLock(stage.store, stage.key, tickMs);
    const next = await stage.until(() => stage.other.lock(stage.key, { ttlMs: LONG_MS }));
    await late.release();
    await expectHeld(stage.store, stage.key);
    await next.release();
    await takeLock(stage.store, stage.key);
  });

  it("accepts the release of an expired lock that nobody took", async () => {
    await using stage = await setStoreStage(subject);
    const lock = await takeLock(stage.store, stage.key, tickMs);
    await stage.pass(2 * tickMs);
    await lock.release();
    await takeLock(stage.other, stage.key);
  });

  it("locks one key and no other", async () => {
    await using stage = await setStoreStage(subject);
    const second = `${stage.key}-second`;
    const lock = await takeLock(stage.store, stage.key);
    await takeLock(stage.other, second);
    await lock.release();
    await expectHeld(stage.store, second);
    await takeLock(stage.store, stage.key);
  });

  it("does not prevent reads, writes and removals", async () => {
    await using stage = await setStoreStage(subject);
    await takeLock(stage.store, stage.key);
    await put(stage.other, stage.key, "first");
    await put(stage.store, stage.key, "second");
    await stage.other.delete(stage.key);
    expect(await stage.store.read(stage.key)).toBeUndefined();
  });

  it("keeps a lock when its record is written or removed", async () => {
    await using stage = await setStoreStage(subject);
    const { fence } = await takeLock(stage.store, stage.key);
    await put(stage.store, stage.key, "first", { fence });
    await expectHeld(stage.other, stage.key);
    await put(stage.other, stage.key, "second");
    await expectHeld(stage.other, stage.key);
    await stage.other.delete(stage.key);
    await expectHeld(stage.other, stage.key);
  });

  it("rejects with the reason of a signal that is already aborted, and locks nothing", async () => {
    await using stage = await setStoreStage(subject);
    const reason = new Error("the caller has lost interest");
    const signal = AbortSignal.abort(reason);
    expect(await catchRejection(stage.store.lock(stage.key, { ttlMs: LONG_MS, signal }))).toBe(reason);
    await takeLock(stage.other, stage.key);
    expect(await catchRejection(stage.store.lock(stage.key, { ttlMs: LONG_MS, signal }))).toBe(reason);
  });

  it("leaves no lock behind for a caller that aborts while it asks", async () => {
    await using stage = await setStoreStage(subject);
    const reason = new Error("the caller has lost interest");
    for (let round = 0; round < 20; round += 1) {
      const controller = new AbortController();
      const call = stage.store.lock(stage.key, { ttlMs: LONG_MS, signal: controller.signal });
      call.catch(() => undefined);
      if (round > 0) await passTurns(round - 1);
      controller.abort(reason);
      const [outcome] = await Promise.allSettled([call]);
      // The lock may have been given before the abort; the caller must release it then.
      if (outcome.status === "rejected") expect(outcome.reason).toBe(reason);
      else await outcome.value?.release();
      const next = await stage.until(() => stage.other.lock(stage.key, { ttlMs: LONG_MS }));
      await next.release();
    }
  });

  it("keeps a lock when the signal it was taken with is aborted later", async () => {
    await using stage = await setStoreStage(subject);
    const controller = new AbortController();
    await stage.store.lock(stage.key, { ttlMs: LONG_MS, signal: controller.signal });
    controller.abort();
    await expectHeld(stage.other, stage.key);
  });

  it("leaves no listener on a signal", async () => {
    await using stage = await setStoreStage(subject);
    const { signal } = new AbortController();
    const lock = await stage.store.lock(stage.key, { ttlMs: LONG_MS, signal });
    await stage.store.lock(stage.key, { ttlMs: LONG_MS, signal });
    await lock?.release();
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
}
