import { describeTokenStore } from "@talkdesk-oauth/conformance";
import { memoryStore } from "@talkdesk-oauth/core";
import { vi } from "vitest";

describeTokenStore("memoryStore, by the clocks of the platform", () => ({ store: memoryStore() }), {
  tickMs: 50,
});

describeTokenStore("memoryStore, by clocks that the test moves", () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  return {
    store: memoryStore(),
    advance: (ms) => void vi.advanceTimersByTime(ms),
    close: () => void vi.useRealTimers(),
  };
});

describeTokenStore("memoryStore, with as many entries as are needed", () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  return {
    store: memoryStore({ maxEntries: 100 }),
    advance: (ms) => void vi.advanceTimersByTime(ms),
    close: () => void vi.useRealTimers(),
  };
});
