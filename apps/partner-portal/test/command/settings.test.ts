import { describe, expect, it } from "vitest";
import { namesTalkdesk, readSettings } from "../../src/command/settings.js";

describe("readSettings", () => {
  it("needs no variables", () => {
    expect(readSettings([], { PORTAL_PORT: "", PORTAL_CONTACT: "", PORTAL_DATA: "" })).toEqual({
      port: undefined,
      origin: undefined,
      contact: "help@example.com",
      secrets: [],
      dataFolder: undefined,
      inMemory: false,
    });
  });

  it("reads the variables that are set", () => {
    expect(
      readSettings(["--memory"], {
        PORTAL_PORT: "8080",
        PORTAL_ORIGIN: "https://portal.example.com",
        PORTAL_CONTACT: "https://help.example.com/portal",
        PORTAL_DATA: "/var/lib/portal",
        PORTAL_SESSION_SECRET: "the-new-secret-of-all-that-signs the-old-secret-of-all-that-sign-on",
      }),
    ).toEqual({
      port: 8080,
      origin: "https://portal.example.com",
      contact: "https://help.example.com/portal",
      secrets: ["the-new-secret-of-all-that-signs", "the-old-secret-of-all-that-sign-on"],
      dataFolder: "/var/lib/portal",
      inMemory: true,
    });
  });

  it("accepts an origin beyond ASCII, however often it is read", () => {
    const origins = Array.from(
      { length: 20_000 },
      () => readSettings([], { PORTAL_ORIGIN: "https://bücher.example" }).origin,
    );
    expect(new Set(origins)).toEqual(new Set(["https://xn--bcher-kva.example"]));
  });

  it.each([
    ["PORTAL_PORT", "65536"],
    ["PORTAL_PORT", "-1"],
    ["PORTAL_ORIGIN", "http://portal.example.com"],
    ["PORTAL_ORIGIN", "https://user:hunter2@portal.example.com"],
    ["PORTAL_ORIGIN", "ftp://localhost"],
    ["PORTAL_CONTACT", "nobody"],
    ["PORTAL_CONTACT", "javascript:alert(1)"],
  ])("names %s when it is %s", (name, value) => {
    expect(() => readSettings([], { [name]: value })).toThrow(
      new RegExp(`^${name} must (be|have) (?!.*hunter2)`),
    );
  });
});

it.each([["--memroy"], ["memory"], ["--memory=no"]])("refuses the argument %s", (argument) => {
  expect(() => readSettings([argument], {})).toThrow(/^The only argument of the portal is --memory/);
});

describe("namesTalkdesk", () => {
  it("counts any variable that is not empty", () => {
    expect(namesTalkdesk({ TALKDESK_ACCOUNT: "acme" })).toBe(true);
    expect(namesTalkdesk({ TALKDESK_ACCOUNT: "", PATH: "/bin" })).toBe(false);
  });
});
