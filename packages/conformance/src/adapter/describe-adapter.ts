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

const everyKind: readonly BodyKind[] = ["string", "bytes", "form", "multipart", "blob", "stream", "iterable"];

/**
 * States what every adapter promises, as tests of one adapter against the emulator, over real sockets. All assertions
 * are here; a driver has none.
 *
 * @param name What is under test: the client, and how the adapter is put on it.
 * @param capabilities What the client cannot do. Default: it can do everything.
 * @param stacks Other ways to put client and adapter together. Default: none, and nothing is said of them.
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
      bodies: everyKind,
      replayable: everyKind.filter((kind) => kind !== "stream" && kind !== "iterable"),
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
    if (throwing) describe("a refusal that is thrown beneath", () => describeThrownStatuses(throwing));
    if (detours) describe("detours", () => describeDetours(detours));
    if (sharing) describe("shared layers", () => describeSharing(sharing));
  });
}
