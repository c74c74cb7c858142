import { describe } from "vitest";
import { describeAborts } from "./aborts.js";
import { describeBodies } from "./bodies.js";
import { describeChanges } from "./changes.js";
import { describeConnections } from "./connections.js";
import { describeDetours } from "./detours.js";
import type { AdapterCapabilities, AdapterDriver, AdapterStacks, BodyKind } from "./driver.js";
import { describeForeignBodies } from "./foreign-bodies.js";
import { describeOrigins } from "./origins.js";
import { describeRedirects } from "./redirects.js";
import { describeRefusals } from "./refusals.js";
import { describeSecrecy } from "./secrecy.js";
import { describeSending } from "./sending.js";
import { describeSharing } from "./sharing.js";
import type { Subject } from "./stage.js";
import { describeThrownStatuses } from "./thrown-statuses.js";

/** The kinds of body that a full client accepts. */
const EVERY_KIND: readonly BodyKind[] = [
  "string",
  "bytes",
  "form",
  "multipart",
  "blob",
  "stream",
  "iterable",
];

/**
 * Defines the tests of what every adapter promises, for one adapter, over real sockets to the emulator. Call it at the top
 * level of a test file.
 *
 * @param name The client, and how the adapter is installed in it; the name of the group of tests.
 * @param driver Makes a client with the adapter. It only translates requests and responses; all assertions are here.
 * @param capabilities Facts about the client. Default: it can do everything.
 * @param stacks Other ways to combine client and adapter. Default: none, and what they promise is not tested.
 * @example
 * describeAdapter("the global fetch", ({ source, origins }) => {
 *   const send = talkdeskFetch(source, { origins });
 *   return async ({ url, body, ...init }) => {
 *     const value = body?.value as NonNullable<RequestInit["body"]> | undefined;
 *     const response = await send(url, { ...init, ...(value && { body: value, duplex: "half" }) });
 *     const headers = Object.fromEntries(response.headers);
 *     return { status: response.status, headers, text: () => response.text() };
 *   };
 * });
 */
export function describeAdapter(
  name: string,
  driver: AdapterDriver,
  capabilities: AdapterCapabilities = {},
  stacks: AdapterStacks = {},
): void {
  const subject: Subject = {
    driver,
    stacks,
    capabilities: {
      bodies: EVERY_KIND,
      replayable: EVERY_KIND.filter((kind) => kind !== "stream" && kind !== "iterable"),
      relativeUrls: true,
      urlObjects: true,
      followsRedirects: true,
      hopsAreRequests: false,
      seesHops: true,
      keepsUrlUsers: true,
      streamsResponses: true,
      limitsConnections: false,
      ...capabilities,
    },
  };
  describe(name, () => {
    describe("sending a token", () => describeSending(subject));
    describe("a refused token", () => describeRefusals(subject));
    describe("bodies", () => describeBodies(subject));
    describe("changes after the call", () => describeChanges(subject));
    describe("origins", () => describeOrigins(subject));
    describe("redirects", () => describeRedirects(subject));
    describe("aborts", () => describeAborts(subject));
    describe("connections", () => describeConnections(subject));
    describe("secrets", () => describeSecrecy(subject));
    const { alone, throwing, detours, sharing } = stacks;
    if (alone) describe("bodies of other libraries", () => describeForeignBodies(subject, alone));
    if (throwing) describe("a refusal that a layer beneath throws", () => describeThrownStatuses(throwing));
    if (detours) describe("detours", () => describeDetours(detours));
    if (sharing) describe("shared layers", () => describeSharing(sharing));
  });
}
