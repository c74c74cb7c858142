import { getEventListeners } from "node:events";
import { joinSignals } from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";

const reason = new Error("enough");

/** Its listeners, and what the platform keeps on it for other signals that depend on it. */
function entriesOn(signal: AbortSignal): number {
  const dependants = Object.getOwnPropertySymbols(signal).find(({ description }) =>
    /depend[ae]nt/i.test(description ?? ""),
  );
  const kept = dependants && (Reflect.get(signal, dependants) as Set<unknown> | null);
  return getEventListeners(signal, "abort").length + (kept?.size ?? 0);
}

describe("joined signals", () => {
  it.each([0, 1])("abort with the reason of the one that aborts: number %i", (index) => {
    const controllers = [new AbortController(), new AbortController()];
    const { signal } = joinSignals(controllers.map((controller) => controller.signal));
    expect(signal.aborted).toBe(false);
    controllers[index]?.abort(reason);
    expect(signal.reason).toBe(reason);
    expect(controllers.map((controller) => entriesOn(controller.signal))).toEqual([0, 0]);
  });

  it("have aborted where one has before, and listen to none", () => {
    const live = new AbortController();
    const { signal } = joinSignals([live.signal, AbortSignal.abort(reason)]);
    expect(signal.reason).toBe(reason);
    expect(entriesOn(live.signal)).toBe(0);
  });

  it("do not abort after they were released", () => {
    const controller = new AbortController();
    const { signal, release } = joinSignals([controller.signal]);
    release();
    release();
    controller.abort(reason);
    expect(signal.aborted).toBe(false);
  });

  it("leave nothing on a signal that lives on", () => {
    const { signal } = new AbortController();
    for (let request = 0; request < 1_000; request += 1) {
      joinSignals([signal, new AbortController().signal]).release();
    }
    expect(entriesOn(signal)).toBe(0);
  });

  it("have one listener on a signal, however many follow it", () => {
    const { signal } = new AbortController();
    const joined = Array.from({ length: 50 }, () => joinSignals([signal]));
    expect(entriesOn(signal)).toBe(1);
    for (const { release } of joined) release();
    expect(entriesOn(signal)).toBe(0);
  });

  it("are a TypeError for what is no signal", () => {
    expect(() => joinSignals(["soon" as unknown as AbortSignal])).toThrow(TypeError);
  });
});
