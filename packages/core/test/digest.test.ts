import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { sha256 } from "../src/base/digest.js";

const expected = (text: string): string => createHash("sha256").update(text).digest("hex");

it("is SHA-256, for any text", () => {
  const texts = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "binary", maxLength: 300 }));
  fc.assert(fc.property(texts, (text) => sha256(text) === expected(text)));
});

it("is SHA-256 around the length of a block", () => {
  for (const length of [0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1_000]) {
    const text = "\u00e9a~".repeat(length).slice(0, length);
    expect([length, sha256(text)]).toEqual([length, expected(text)]);
  }
});
