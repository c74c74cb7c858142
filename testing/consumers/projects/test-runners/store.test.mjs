import { describeTokenStore } from "@talkdesk-oauth/conformance";
import { encryptedStore, memoryStore } from "@talkdesk-oauth/core";

const secret = "for tests: random, of 32 characters or more";

describeTokenStore("encryptedStore in memory", () => {
  const database = memoryStore();
  return { store: encryptedStore(database, secret), another: () => encryptedStore(database, secret) };
});
