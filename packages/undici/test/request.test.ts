import { parseUrl, tokenDestination } from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import { readRequest, resolveDestination } from "../src/request.js";

const withheld: string[] = [];
const mayHaveToken = tokenDestination(
  {
    reportWithheld: (origin) => void withheld.push(origin),
    api: "https://api.example.com",
    tokenEndpoint: "https://id.example.com/oauth/token",
    getToken: () => Promise.reject(new Error("No token is asked for.")),
  },
  { origins: ["http://127.0.0.1:3000", "https://id.example.com"] },
);

/** Makes every sequence of up to `most` parts. */
function* sequences(parts: readonly string[], most: number): Generator<string> {
  yield "";
  if (most === 0) return;
  for (const rest of sequences(parts, most - 1)) for (const part of parts) yield part + rest;
}

/** Characters that URL parsers treat in special ways. */
const tricky = ["/", "\\", "?", "#", "@", ":", ".", "..", "%2e", "%", "\t", " ", "é", "~", "a", "8443"];

describe("a request", () => {
  /** Reads a request, and tells where it goes and whether it may have a token. */
  function read(origin: string | URL, path: string): readonly unknown[] {
    const request = readRequest({ origin, path, method: "GET" }, mayHaveToken);
    return [request?.origin.origin, request?.mayHaveToken];
  }

  /** The same for an origin that is a URL object, which is always parsed. */
  function parse(origin: string, path: string): readonly unknown[] {
    const url = parseUrl(origin);
    return url === undefined ? [undefined, undefined] : read(url, path);
  }

  it.each(["https://api.example.com", "http://127.0.0.1:3000", "https://id.example.com"])(
    "goes to the same place whether its origin is recognized or parsed: %s",
    (origin) => {
      for (const rest of sequences(tricky, 2)) {
        for (const path of ["/users", "/oauth/token?a=1", "//evil.example/users", rest, `/${rest}`]) {
          expect([path, ...read(origin, path)]).toEqual([path, ...parse(origin, path)]);
          expect([rest, path, ...read(origin + rest, path)]).toEqual([
            rest,
            path,
            ...parse(origin + rest, path),
          ]);
        }
      }
    },
  );

  it.each([
    ["https://api.example.com", "/users", true],
    ["https://api.example.com", "/oauth/token", true],
    ["https://API.example.com:443", "/users", true],
    ["https://id.example.com", "/users", true],
    ["https://id.example.com", "/oauth/../oauth/token?a=1", false],
    ["https://api.example.com.", "/users", false],
    ["https://user@api.example.com", "/users", false],
    ["http://api.example.com", "/users", false],
    ["https://api.example.co", "m/users", false],
    ["https:", "//api.example.com/users", false],
  ])("at %s with the path %s: may have a token: %s", (origin, path, expected) => {
    expect(Boolean(read(origin, path)[1])).toBe(expected);
  });

  it.each([
    ["a servername", { servername: "evil.example" }],
    ["a Host header", { headers: { Host: "evil.example" } }],
    ["an Authorization", { headers: ["AUTHORIZATION", "Basic 1"] }],
    ["the method CONNECT", { method: "CONNECT" as const }],
  ])("to the API has no token with %s", (_, options) => {
    const request = { origin: "https://api.example.com", path: "/users", method: "GET" as const, ...options };
    expect(readRequest(request, mayHaveToken)?.mayHaveToken).toBe(false);
  });

  it("is reported when it goes to another gateway without a token, unless it has an Authorization", () => {
    const request = { origin: "https://api.talkdeskapp.eu", path: "/users", method: "GET" as const };
    readRequest({ ...request, headers: { authorization: "Basic 1" } }, mayHaveToken);
    expect(withheld).toEqual([]);
    readRequest(request, mayHaveToken);
    expect(withheld).toEqual([request.origin]);
  });
});

describe("resolveDestination", () => {
  it("has the name that TLS verifies", () => {
    const request = { origin: "https://127.0.0.1:8443", path: "/users?a=1", servername: "api.example.com" };
    expect(resolveDestination(request)?.href).toBe("https://api.example.com:8443/users");
  });

  it.each([
    ["api.example.com", "https://api.example.com:8443/users"],
    ["api.example.com:443", "https://api.example.com:8443/users"],
    ["192.0.2.1:8443", "https://127.0.0.1:8443/users"],
    ["[::1]", "https://127.0.0.1:8443/users"],
    ["", "https://127.0.0.1:8443/users"],
  ])("goes by the name that TLS proves for the Host %j", (host, expected) => {
    expect(resolveDestination({ origin: "https://127.0.0.1:8443", path: "/users", host })?.href).toBe(
      expected,
    );
  });

  it("is the origin over plain http, with any Host header", () => {
    const request = { origin: "http://127.0.0.1:8080", path: "/users", host: "api.example.com" };
    expect(resolveDestination(request)?.href).toBe("http://127.0.0.1:8080/users");
  });
});
