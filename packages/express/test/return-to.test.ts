import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoginStage, openLoginStage } from "./support/login-stage.js";

let stage: LoginStage;
beforeAll(async () => {
  stage = await openLoginStage({ mount: "/team/auth" });
});
afterAll(() => stage[Symbol.asyncDispose]());

/** Where somebody who asks for it ends up. A logout says so at once, and by the same rule as a login. */
async function ledTo(wanted: string): Promise<string | undefined> {
  const query = new URLSearchParams({ returnTo: wanted });
  const page = await stage.browser().visit(`/team/auth/logout?${query}`, { method: "POST" });
  expect(page.status).toBe(303);
  return page.to;
}

describe("returnTo", () => {
  it("never leaves the origin, whatever is asked for", async () => {
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
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const to = await ledTo(`/${pieces.join("")}`);
        expect(to).toMatch(/^\/(?![/\\])/);
        expect(new URL(to ?? "", stage.origin).origin).toBe(stage.origin);
        let reading = (to ?? "").split(/[?#]/, 1)[0] ?? "";
        for (let decodings = 0; decodings < 4; decodings++) {
          // As browsers and proxies do that decode what they can.
          reading = reading.replace(/%([0-7][\da-f])/gi, (_, hex) =>
            String.fromCharCode(Number.parseInt(hex, 16)),
          );
          expect(reading).toMatch(/^\/(?![/\\])/);
          expect(new URL(reading, stage.origin).origin).toBe(stage.origin);
        }
      }),
      { numRuns: 300 },
    );
  });
});
