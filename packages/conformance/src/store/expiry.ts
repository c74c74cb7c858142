import { expect, it } from "vitest";
import { catchRejection } from "../rejection.js";
import { expectHeld, expectRecord, put, type StoreSubject, setStoreStage, takeLock } from "./stage.js";

/** A record is gone after its `expiresAt`, as if it had been deleted. */
export function describeExpiry(subject: StoreSubject): void {
  const { tickMs } = subject.capabilities;

  it("forgets a record when its time is over, and not before", async () => {
    await using stage = await setStoreStage(subject);
    const writtenAt = stage.now();
    const expectedVersion = 0;
    const expiresAt = Date.now() + 3 * tickMs;
    expect(await stage.store.write(stage.key, "value", { expectedVersion, expiresAt })).toBeGreaterThan(0);
    for (const store of [stage.store, stage.other]) {
      await stage.until(async () => ((await store.read(stage.key)) === undefined ? true : undefined));
    }
    expect(stage.now() - writtenAt).toBeGreaterThanOrEqual(2.9 * tickMs);
  });

  it("has no record where one has expired, and gives its version to no other", async () => {
    await using stage = await setStoreStage(subject);
    const expectedVersion = await put(stage.store, stage.key, "first");
    const expiresAt = Date.now() + tickMs;
    const version = await stage.store.write(stage.key, "second", { expectedVersion, expiresAt });
    expect(version).toBeGreaterThan(0);
    await stage.pass(2 * tickMs);
    expect(
      await stage.other.write(stage.key, "late", { expectedVersion: version as number }),
    ).toBeUndefined();
    expect(await stage.store.read(stage.key)).toBeUndefined();
    const next = await put(stage.other, stage.key, "third");
    expect([expectedVersion, version]).not.toContain(next);
    expect(
      await stage.store.write(stage.key, "late", { expectedVersion: version as number }),
    ).toBeUndefined();
    await expectRecord(stage.store, stage.key, "third");
  });

  it.each([
    ["just over", 1],
    ["long over", 86_400_000],
    ["the beginning of 1970", Date.now()],
    ["before 1970", 2 * Date.now()],
    ["negative without end", Number.POSITIVE_INFINITY],
  ])("keeps no record whose time is %s when it is written", async (_, agoMs) => {
    await using stage = await setStoreStage(subject);
    const expectedVersion = await put(stage.store, stage.key, "first");
    const expiresAt = Date.now() - agoMs;
    const version = await stage.store.write(stage.key, "second", { expectedVersion, expiresAt });
    expect(version).toBeGreaterThan(0);
    expect(version).not.toBe(expectedVersion);
    await stage.pass(tickMs);
    expect(await stage.other.read(stage.key)).toBeUndefined();
    expect(await put(stage.other, stage.key, "third")).not.toBe(version);
  });

  it("refuses an end that is not a number, and keeps what there was", async () => {
    await using stage = await setStoreStage(subject);
    const expectedVersion = await put(stage.store, stage.key, "first");
    const wrong = { expectedVersion, expiresAt: Number.NaN };
    expect(await catchRejection(stage.store.write(stage.key, "second", wrong))).toBeInstanceOf(TypeError);
    expect(await stage.other.read(stage.key)).toEqual({ value: "first", version: expectedVersion });
  });

  it("keeps a record whose end is Infinity, and forgets one whose end is a fraction of a millisecond off", async () => {
    await using stage = await setStoreStage(subject);
    await put(stage.store, stage.key, "for ever", { expiresAt: Number.POSITIVE_INFINITY });
    const second = `${stage.key}-second`;
    await put(stage.store, second, "for a while", { expiresAt: Date.now() + 20 * tickMs + 0.5 });
    await stage.pass(22 * tickMs);
    await expectRecord(stage.other, stage.key, "for ever");
    expect(await stage.other.read(second)).toBeUndefined();
  });

  it("keeps a record that is written again without an end", async () => {
    await using stage = await setStoreStage(subject);
    await put(stage.store, stage.key, "first", { expiresAt: Date.now() + 20 * tickMs });
    await put(stage.other, stage.key, "second");
    await stage.pass(22 * tickMs);
    await expectRecord(stage.store, stage.key, "second");
  });

  it("keeps a record that is written again with a later end, and forgets one with an earlier", async () => {
    await using stage = await setStoreStage(subject);
    const longer = `${stage.key}-longer`;
    const shorter = `${stage.key}-shorter`;
    const soon = Date.now() + 20 * tickMs;
    const far = Date.now() + 86_400_000;
    await put(stage.store, longer, "first", { expiresAt: soon });
    await put(stage.other, longer, "second", { expiresAt: far });
    await put(stage.store, shorter, "first", { expiresAt: far });
    await put(stage.other, shorter, "second", { expiresAt: soon });
    await stage.pass(22 * tickMs);
    await expectRecord(stage.store, longer, "second");
    expect(await stage.store.read(shorter)).toBeUndefined();
  });

  it.each([
    ["a month", 30 * 86_400_000],
    ["ten years", 3_650 * 86_400_000],
  ])("keeps a record for %s", async (_, lifetimeMs) => {
    await using stage = await setStoreStage(subject);
    await put(stage.store, stage.key, "value", { expiresAt: Date.now() + lifetimeMs });
    await stage.pass(tickMs);
    await expectRecord(stage.other, stage.key, "value");
  });

  it("keeps the lock of a key whose record expires", async () => {
    await using stage = await setStoreStage(subject);
    const { fence } = await takeLock(stage.store, stage.key);
    const options = { expectedVersion: 0, fence, expiresAt: Date.now() + tickMs };
    expect(await stage.store.write(stage.key, "value", options)).toBeGreaterThan(0);
    await stage.pass(2 * tickMs);
    expect(await stage.store.read(stage.key)).toBeUndefined();
    await expectHeld(stage.other, stage.key);
  });
}
