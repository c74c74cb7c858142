import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoginStage, type LoginSubject, openLoginStage } from "./login-stage.js";

/** Pieces of addresses that parsers read in different ways. */
const PIECES = [
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
];

/** Where a login or a logout leads in the end. */
export function describeReturns(subject: LoginSubject): void {
  let stage: LoginStage;
  beforeAll(async () => {
    stage = await openLoginStage(subject, { mount: "/team/auth" });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** A logout redirects at once, and by the same rule as a login. */
  async function ledTo(wanted: string): Promise<string | undefined> {
    const query = new URLSearchParams({ returnTo: wanted });
    const answer = await stage.browser().visit(`/team/auth/logout?${query}`, { method: "POST" });
    expect(answer.status).toBe(303);
    return answer.to;
  }

  it.each([
    ["/", "/"],
    ["/contacts", "/contacts"],
    ["/contacts?page=2&text=a%2Fb#top", "/contacts?page=2&text=a%2Fb#top"],
    ["/a b/ü", "/a%20b/%C3%BC"],
    ["/files/a%2Fb", "/files/a%2Fb"],
    ["/100%25", "/100%25"],
    ["/100%25/%C3%BC", "/100%25/%C3%BC"],
    ["/50%25%20off%2525", "/50%25%20off%2525"],
    ["/search?next=//evil.example&back=\\", "/search?next=//evil.example&back=\\"],
    ["/a/../b/./c", "/b/c"],
    ["/a//b", "/a//b"],
    ["/a\\b", "/a/b"],
    ["/team/authors", "/team/authors"],
    ["/auth/login", "/auth/login"],
    ["/team/auth/login/more", "/team/auth/login/more"],
  ])("leads to %s", async (wanted, expected) => {
    expect(await ledTo(wanted)).toBe(expected);
  });

  it.each([
    "",
    "contacts",
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    "/\u0000",
    " //evil.example",
    "/./\\evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/%2e//evil.example",
    "/a/..//evil.example",
    "/%2F%2Fevil.example",
    "/%2Fevil.example",
    "/%5Cevil.example",
    "/%252F%252Fevil.example",
    "/%09/evil.example",
    "/a%0d%0ab",
    "/%",
    "/%ff",
    "javascript:alert(1)",
    "data:text/html,x",
    "@evil.example",
    "//user@evil.example/",
    "http:evil.example",
    "//[",
    `/${"x".repeat(2_048)}`,
    "/%2525252525252e",
    // A strict decoder gives up at the percent sign; a lenient one goes on.
    "/%252f%252fevil.com/%25",
    "/%252f%252fevil.com/%25zz",
    "/%255cevil.com/%25",
    "/%252f/evil.com/%25c3%2528",
    "/%2509/evil.com/%25",
    "/%25252f%25252fevil.com/%2525",
    // Sequences that JavaScript's unescape() decodes.
    "/%25u002f%25u002fevil.com",
    "/%25u005cevil.com",
    // Dots that appear only after decoding.
    "/.%2f%2fevil.com",
    "/a/%252e%252e//evil.com",
    "/a/%252e%252e%252f%252fevil.com/%25",
  ])("leads to / in place of %j, which may leave the origin", async (wanted) => {
    expect(await ledTo(wanted)).toBe("/");
  });

  it.each([
    "/team/auth/login",
    "/team/auth/logout?returnTo=/x",
    "/team/auth/callback?state=x",
    "/team/auth/login/",
    "/team/auth//login",
    "/TEAM/Auth/Login",
    "/x/../team/auth/login",
    "/%74eam/auth/logi%6e",
    "/%2574eam/auth/login",
    "/team/auth/login%253f%25",
    "/x/%252e%252e/team/auth/login",
    "/%25u0074eam/auth/login",
    "/team/auth/./login#x",
  ])("leads to / in place of %j, which is a route of the login", async (wanted) => {
    expect(await ledTo(wanted)).toBe("/");
  });

  it("leads to / when it is given twice", async () => {
    const answer = await stage
      .browser()
      .visit("/team/auth/logout?returnTo=/a&returnTo=/b", { method: "POST" });
    expect(answer.to).toBe("/");
  });

  it("never leaves the origin, however addresses are put together", async () => {
    for (const first of PIECES) {
      for (const second of PIECES) {
        const to = (await ledTo(`/${first}${second}evil.example`)) ?? "";
        let reading = to.split(/[?#]/, 1)[0] ?? "";
        for (let decodings = 0; decodings < 4; decodings++) {
          expect(reading).toMatch(/^\/(?![/\\])/);
          expect(new URL(reading, stage.origin).origin).toBe(stage.origin);
          // As browsers and proxies do that decode what they can.
          reading = reading.replace(/%([0-7][\da-f])/gi, (_, hex) =>
            String.fromCharCode(Number.parseInt(hex, 16)),
          );
        }
        expect(new URL(to, stage.origin).origin).toBe(stage.origin);
      }
    }
  });

  describe("at a login", () => {
    it("is checked by the same rule, and kept until the callback", async () => {
      const browser = stage.browser();
      expect((await browser.signIn("?returnTo=%2F%2Fevil.example")).to).toBe("/");
      expect((await browser.signIn("?returnTo=/team/auth/logout")).to).toBe("/");
      expect((await browser.signIn("?returnTo=/a&returnTo=/b")).to).toBe("/");
      expect((await browser.signIn("?returnTo=/kept%3Fa%3D1")).to).toBe("/kept?a=1");
    });
  });
}
