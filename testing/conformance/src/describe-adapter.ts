import { describe } from "vitest";
import { describeAborts } from "./aborts.js";
import { describeBodies } from "./bodies.js";
import { describeConnections } from "./connections.js";
import type { AdapterCapabilities, AdapterDriver, BodyKind } from "./driver.js";
import { describeOrigins } from "./origins.js";
import { describeRedirects } from "./redirects.js";
import { describeRefusals } from "./refusals.js";
import { describeSecrecy } from "./secrecy.js";
import { describeSending } from "./sending.js";
import type { Subject } from "./stage.js";

const everyKind: readonly BodyKind[] = ["string", "bytes", "form", "multipart", "blob", "stream", "iterable"];

/**
 * States what every adapter promises, as tests of one adapter against the emulator, over real sockets. All assertions
 * are here; a driver has none.
 *
 * @param name What is under test: the client, and how the adapter is put on it.
 * @param capabilities What the client cannot do. Default: it can do everything.
 */
export function describeAdapter(
  name: string,
  driver: AdapterDriver,
  capabilities: AdapterCapabilities = {},
): void {
  const subject: Subject = {
    driver,
    capabilities: {
      bodies: everyKind,
      replayable: everyKind.filter((kind) => kind !== "stream" && kind !== "iterable"),
      relativeUrls: true,
      followsRedirects: true,
      hopsAreRequests: false,
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
    describe("origins", () => describeOrigins(subject));
    describe("redirects", () => describeRedirects(subject));
    describe("aborts", () => describeAborts(subject));
    describe("connections", () => describeConnections(subject));
    describe("secrets", () => describeSecrecy(subject));
  });
}
