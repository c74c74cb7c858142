import { clientSecretBasic, memoryStore, talkdeskClient } from "@talkdesk-oauth/core";
import { talkdeskLogin } from "@talkdesk-oauth/express";
import { describe, expect, it } from "vitest";

const authentication = clientSecretBasic({ clientId: "an-id", clientSecret: "a-secret" });
const good = {
  client: talkdeskClient({ account: "acme", authentication }),
  redirectUri: "https://app.example.com/auth/callback",
  store: memoryStore(),
  contact: "help@example.com",
};

describe("talkdeskLogin()", () => {
  it.each([
    ["onError", "page"],
    ["onError", null],
    ["contact", ""],
    ["onErrors", () => {}],
  ])("throws a TypeError that names %s, for %j", (name, value) => {
    const make = (): unknown => talkdeskLogin({ ...good, [name]: value } as never);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
  });

  it("makes middleware without onError", () => {
    expect(typeof talkdeskLogin({ ...good, onError: undefined } as never)).toBe("function");
  });
});
