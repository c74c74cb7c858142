import { encodeBase64url } from "@talkdesk-oauth/core";
import fc from "fast-check";
import { expect, it } from "vitest";

it("encodes bytes in Base64url without padding, as Node does", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(encodeBase64url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
    }),
  );
});

it("encodes more bytes than a function can have arguments", () => {
  const bytes = new Uint8Array(1_000_000).fill(0xfb);
  expect(encodeBase64url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
});
