import { accessToken, isLoopbackAddress, type TokenSource, tokenDestination } from "@talkdesk-oauth/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const token = accessToken({ value: "t", expiresAt: 1 });
const source: TokenSource = {
  api: "https://api.talkdeskapp.com",
  tokenEndpoint: "https://acme.talkdeskid.com/oauth/token",
  getToken: async () => token,
};

describe("tokenDestination", () => {
  it.each([
    "https://api.talkdeskapp.com",
    "https://api.talkdeskapp.com/contacts?x=1#y",
    "https://api.talkdeskapp.com:443/",
    "https://API.TALKDESKAPP.COM/",
    "https://files.example.com/a",
  ])("lets the token go to %s", (url) => {
    expect(tokenDestination(source, { origins: ["https://files.example.com"] })(new URL(url))).toBe(true);
  });

  it.each([
    "http://api.talkdeskapp.com/",
    "https://api.talkdeskapp.com:8443/",
    "https://api.talkdeskapp.com.evil.example/",
    "https://evil.api.talkdeskapp.com/",
    "https://talkdeskapp.com/",
    "https://api.talkdeskapp.eu/",
    "https://api.talkdeskapp.com./",
    "https://api.talkdeskapp.com@evil.example/",
    "https://user@api.talkdeskapp.com/",
    "https://:secret@api.talkdeskapp.com/",
    "https://acme.talkdeskid.com/oauth/token",
    "data:text/plain,https://api.talkdeskapp.com",
    "blob:https://api.talkdeskapp.com/1",
    "about:blank",
  ])("keeps the token from %s", (url) => {
    expect(tokenDestination(source)(new URL(url))).toBe(false);
  });

  it("keeps the token from the token endpoint, also where its origin is allowed", () => {
    const goes = tokenDestination(source, { origins: ["https://acme.talkdeskid.com"] });
    expect(goes(new URL("https://acme.talkdeskid.com/oauth/token?x=1"))).toBe(false);
    expect(goes(new URL("https://acme.talkdeskid.com/oauth/introspect"))).toBe(true);
  });

  it("needs no token endpoint", () => {
    const { tokenEndpoint: _, ...rest } = source;
    expect(tokenDestination(rest)(new URL("https://api.talkdeskapp.com/oauth/token"))).toBe(true);
  });

  it.each(["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"])(
    "takes %s for this machine",
    (api) => {
      expect(tokenDestination({ ...source, api })(new URL("/x", api))).toBe(true);
    },
  );

  it.each<[string, unknown]>([
    ["no source", undefined],
    ["a client in place of a source", { api: "https://api.example.com" }],
    ["an api with a path", { ...source, api: "https://api.example.com/v1" }],
    ["an api by plain http", { ...source, api: "http://api.example.com" }],
    ["no api", { ...source, api: undefined }],
  ])("refuses %s with a TypeError at once", (_, wrong) => {
    expect(() => tokenDestination(wrong as TokenSource)).toThrow(TypeError);
  });

  it.each<unknown>([
    "https://files.example.com",
    ["https://files.example.com/path"],
    ["http://files.example.com"],
    ["https://*.example.com/x"],
    ["files.example.com"],
    ["*"],
    ["null"],
    [7],
    [null],
  ])("refuses the origins %j with a TypeError at once", (origins) => {
    expect(() => tokenDestination(source, { origins: origins as string[] })).toThrow(TypeError);
  });
});

describe("recognize", () => {
  const origins = ["https://files.example.com", "http://[::1]:8080", "https://acme.talkdeskid.com"];
  const { recognize } = tokenDestination(source, { origins });

  it.each([
    "https://api.talkdeskapp.com",
    "https://api.talkdeskapp.com/",
    "https://api.talkdeskapp.com/contacts/a.b-c_d~e/f",
    "https://api.talkdeskapp.com//contacts",
    "https://api.talkdeskapp.com/contacts?page=2&q=a%20b+c&at=10:30,x@y;z",
    "https://files.example.com/a?next=/b/c",
    "http://[::1]:8080/users",
    "https://acme.talkdeskid.com/users",
    "https://acme.talkdeskid.com/oauth",
  ])("knows the origin of %s, with the members of a URL", (text) => {
    const known = recognize(text);
    const { origin, protocol, host, hostname, port } = new URL(text);
    expect(known).toMatchObject({ origin, protocol, host, hostname, port });
    expect(recognize(`${origin}/`)).toBe(known);
  });

  it.each([
    "https://apixtalkdeskapp.com/",
    "https://api.talkdeskapp.com.evil.example/",
    "https://api.talkdeskapp.com:8443",
    "https://api.talkdeskapp.com?page=2",
    "https://api.talkdeskapp.com@evil.example",
    "https://user@api.talkdeskapp.com/",
    "https://evil.example/https://api.talkdeskapp.com/",
    "https://evil.example/\nhttps://api.talkdeskapp.com/",
    "https://api.talkdeskapp.com/\n",
    "/users",
    "https://acme.talkdeskid.com/oauth/token",
    "https://acme.talkdeskid.com/oauth/token?grant_type=client_credentials",
  ])("leaves %j to be parsed", (text) => {
    expect(recognize(text)).toBeUndefined();
  });

  it("knows a URL only where it is written as it is parsed, and may have a token", () => {
    const mayHaveToken = tokenDestination(source, { origins });
    const starts = [...origins, source.api, "https://api.talkdeskapp.eu", "https://api.talkdeskapp.com:443"];
    const plain = fc.constantFrom(..."/.%?&=a", "..", "%2e", "%2E", "%20", "users", "/users?page=2");
    const other = fc.oneof(
      fc.constantFrom(..."#\\\t\n\r @:|^'\"<{`[\0\x7fé"),
      fc.string({ unit: "binary", maxLength: 1 }),
    );
    const rest = fc.oneof(
      fc.array(plain, { maxLength: 9 }),
      fc.array(fc.oneof(plain, other), { maxLength: 5 }),
    );
    let known = 0;
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.constantFrom("/", ""), rest, (start, slash, pieces) => {
        const text = start + slash + pieces.join("");
        const found = mayHaveToken.recognize(text);
        if (found === undefined) return;
        known += 1;
        const url = new URL(text);
        const href = text === start ? `${text}/` : text;
        expect([url.href, url.origin, mayHaveToken(url)]).toEqual([href, found.origin, true]);
      }),
      { numRuns: 1_000 },
    );
    expect(known).toBeGreaterThan(50);
  });

  it("tells many origins apart", () => {
    const many = Array.from({ length: 250 }, (_, index) => `https://api-${index}.example.com`);
    const destinations = many.map((api) => tokenDestination({ ...source, api }));
    for (const [index, { recognize }] of destinations.entries()) {
      expect(many.filter((api) => recognize(`${api}/users`)?.origin === api)).toEqual([many[index]]);
    }
  });

  it("takes time in proportion to the length of a URL", () => {
    const text = `https://api.talkdeskapp.com/${"a/%20?b=.".repeat(100_000)}`;
    expect(recognize(text)?.origin).toBe(source.api);
    expect(recognize(`${text} `)).toBeUndefined();
  });
});

describe("isLoopbackAddress", () => {
  it.each(["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"])("is true for %s", (address) => {
    expect(isLoopbackAddress(address)).toBe(true);
  });

  it.each(["", "128.0.0.1", "10.127.0.1", "::", "::2", "::ffff:10.0.0.1", "localhost", "1.127.0.0"])(
    "is false for %j",
    (address) => {
      expect(isLoopbackAddress(address)).toBe(false);
    },
  );
});
