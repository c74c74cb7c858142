import { randomUUID } from "node:crypto";
import { describeTokenStore } from "@talkdesk-oauth/conformance";
import { describe } from "vitest";
import { openStore } from "./stores.mjs";

const { STORE_CLIENT: client } = process.env;

// Most of the suite's time is spent waiting for records and locks to end, so its tests wait at the same time.
describe.concurrent("a store", () => {
  describeTokenStore(client, () => openStore(client, `${randomUUID()}:`), { tickMs: 75 });
});
