import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStage, type PortalStage } from "./support/portal-stage.js";
import { type Visitor, visitor } from "./support/visitor.js";

let stage: PortalStage;
let guest: Visitor;
beforeEach(async () => {
  stage = await openStage();
  guest = visitor(stage.origin);
});
afterEach(() => stage[Symbol.asyncDispose]());

const nameIn = (text: string): string | undefined => /class="viewer">.*<bdi>([^<]+)</.exec(text)?.[1];
const asked = (): number => stage.talkdesk.requests.to("api").filter(({ url }) => url === "/users/me").length;

describe("the header", () => {
  it("names the signed-in user on each page, and asks Talkdesk once", async () => {
    expect(nameIn((await guest.visit("/")).text)).toBeUndefined();
    await guest.signIn();
    const names = [];
    for (const path of ["/contacts", "/reports", "/reports/0123456789", "/nowhere"]) {
      names.push(nameIn((await guest.visit(path)).text));
    }
    expect(asked()).toBe(1);
    const [, user] = /<p class="name">([^<]+)</.exec((await guest.visit("/profile")).text) ?? [];
    expect(names).toEqual(names.map(() => user));
    expect(user).toMatch(/\w/);
    await guest.visit("/auth/logout", { form: {} });
    expect(nameIn((await guest.visit("/nowhere")).text)).toBeUndefined();
  });

  it("names nobody when Talkdesk does not say who it is, until a page knows", async () => {
    await guest.signIn();
    stage.talkdesk.faults.add({ at: "api", match: { path: "/users/me" }, respond: { status: 403 } });
    for (const path of ["/contacts", "/contacts"]) {
      const { status, text } = await guest.visit(path);
      expect([status, nameIn(text)]).toEqual([200, undefined]);
      expect(text).toContain("Sign out");
    }
    expect(asked()).toBe(1);
    await guest.visit("/profile");
    expect(nameIn((await guest.visit("/contacts")).text)).toMatch(/\w/);
  });
});
