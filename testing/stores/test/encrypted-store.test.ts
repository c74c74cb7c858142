import { describeTokenStore } from "@talkdesk-oauth/conformance";
import { encryptedStore, memoryStore } from "@talkdesk-oauth/core";
import { vi } from "vitest";

const secret = "a secret for tests of 32 characters, or more";
const nextSecret = "another secret for tests, that is as long";

describeTokenStore("encryptedStore, with one secret", () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  const inner = memoryStore();
  return {
    store: encryptedStore(inner, secret),
    another: () => encryptedStore(inner, secret),
    advance: (ms) => void vi.advanceTimersByTime(ms),
    close: () => void vi.useRealTimers(),
  };
});

describeTokenStore("encryptedStore, while its secret is replaced", () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  const inner = memoryStore();
  return {
    store: encryptedStore(inner, [secret, nextSecret]),
    another: () => encryptedStore(inner, [nextSecret, secret]),
    advance: (ms) => void vi.advanceTimersByTime(ms),
    close: () => void vi.useRealTimers(),
  };
});
