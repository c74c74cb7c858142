import {
  accessToken,
  clientSecretBasic,
  memoryStore,
  type TokenSource,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import {
  checkErrorHandlerOptions,
  isTokenSource,
  loginRequirement,
  sourceChooser,
  talkdeskLogin,
  toWebHeaders,
} from "@talkdesk-oauth/login";
import { describe, expect, it } from "vitest";

const source: TokenSource = {
  api: "https://api.talkdeskapp.com",
  getToken: async () => accessToken({ value: "a", expiresAt: Date.now() + 600_000 }),
};

describe("sourceChooser()", () => {
  it("gives one source for all requests, or that of a function", async () => {
    expect(await sourceChooser(source)("any")).toBe(source);
    const sourceOf = sourceChooser((tenant: string) => (tenant === "a" ? source : undefined));
    expect([await sourceOf("a"), await sourceOf("b")]).toEqual([source, undefined]);
  });

  it("rejects when the function throws, or gives something else", async () => {
    const wrong = ["token", null, { getToken: source.getToken }];
    for (const found of wrong) {
      await expect(sourceChooser(() => found as never)("any")).rejects.toThrow(TypeError);
    }
    const fault = new Error("no tenant");
    const failing = sourceChooser(() => {
      throw fault;
    });
    await expect(failing("any")).rejects.toBe(fault);
  });

  it("refuses what gives no tokens, and a login in place of its source", () => {
    for (const wrong of [undefined, {}, "token", { ...source, api: "no address" }]) {
      expect(() => sourceChooser(wrong as never)).toThrow(TypeError);
    }
    const authentication = clientSecretBasic({ clientId: "an-id", clientSecret: "a-secret" });
    const login = talkdeskLogin({
      client: talkdeskClient({ account: "acme", authentication }),
      redirectUri: "https://app.example.com/auth/callback",
      store: memoryStore(),
      contact: "help@example.com",
    });
    const mounted = Object.assign(() => undefined, login);
    expect(() => sourceChooser(mounted)).toThrow("login.source");
  });

  it("knows a source by its function", () => {
    expect([source, undefined, null, {}, () => source].map(isTokenSource)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe("loginRequirement()", () => {
  const page = { wantsHtml: true, isNavigation: true, url: "/contacts", session: undefined };

  it("answers a request without tokens as loginRequired() does", () => {
    const standard = loginRequirement({}, "talkdesk()")({ ...page, isSearched: true });
    expect(standard.headers.get("location")).toBe("/auth/login?returnTo=%2Fcontacts");
    const own = loginRequirement({ login: "/in" }, "talkdesk()")({ ...page, isSearched: true });
    expect(own.headers.get("location")).toBe("/in?returnTo=%2Fcontacts");
  });

  it("says what is missing when nothing has looked for tokens", () => {
    const answer = loginRequirement({}, "app.use(talkdesk(login.source))");
    expect(() => answer({ ...page, isSearched: false })).toThrow(
      new TypeError("requireLogin() needs app.use(talkdesk(login.source)) before it."),
    );
  });

  it.each([{ login: "auth/login" }, { logn: "/auth/login" }])("refuses %j", (options) => {
    expect(() => loginRequirement(options, "talkdesk()")).toThrow(TypeError);
  });
});

describe("checkErrorHandlerOptions()", () => {
  it.each([{}, { login: "/auth/login" }, { otherwise: () => {} }, { otherwise: undefined }])(
    "takes %j",
    (options) => {
      expect(() => checkErrorHandlerOptions(options, ["otherwise"])).not.toThrow();
    },
  );

  it.each([{ login: "auth/login" }, { otherwise: 500 }, { onError: () => {} }])("refuses %j", (options) => {
    expect(() => checkErrorHandlerOptions(options, ["otherwise"])).toThrow(TypeError);
  });

  it("knows login alone by default", () => {
    expect(() => checkErrorHandlerOptions({ otherwise: () => {} } as never)).toThrow(TypeError);
  });
});

it("toWebHeaders() joins values, and leaves out what HTTP/2 adds", () => {
  const headers = { ":path": "/", accept: "text/html", "x-list": ["a", "b"], origin: undefined };
  expect([...toWebHeaders(headers)]).toEqual([
    ["accept", "text/html"],
    ["x-list", "a, b"],
  ]);
});
