import fc from "fast-check";
import { expect, it } from "vitest";
import { parseReturnTo } from "../src/addresses/return-to.js";

const ORIGIN = "https://app.example.com";

/** Pieces of addresses that parsers read in different ways. */
const piece = fc.oneof(
  fc.constantFrom(
    "/",
    "\\",
    "//",
    "..",
    ".",
    "%2f",
    "%5c",
    "%25",
    "%252f",
    "%255c",
    "%252e",
    "@",
    ":",
    "evil.example",
    "\t",
    "?",
    "#",
  ),
  fc.string({ maxLength: 3, unit: "binary" }),
);

it("gives no path that leaves the origin, however often it is decoded", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const path = parseReturnTo(`/${pieces.join("")}`, ["/auth/login"]) ?? "/";
      expect(new URL(path, ORIGIN).origin).toBe(ORIGIN);
      let reading = path.split(/[?#]/, 1)[0] ?? "";
      for (let decodings = 0; decodings < 4; decodings++) {
        expect(reading).toMatch(/^\/(?![/\\])/);
        expect(new URL(reading, ORIGIN).origin).toBe(ORIGIN);
        // As browsers and proxies do that decode what they can.
        reading = reading.replace(/%([0-7][\da-f])/gi, (_, hex) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        );
      }
    }),
    { numRuns: 5_000 },
  );
});
