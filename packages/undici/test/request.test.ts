import { parseUrl } from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import { resolveDestination } from "../src/request.js";

type Parts = readonly string[];

/** Resolves a request whose origin is a URL object, which is never parsed together with the path. */
function apart(origin: string, path: string): Parts | undefined {
  const url = parseUrl(origin);
  return url && partsOf(resolveDestination({ origin: url, path }));
}

function together(origin: string, path: string): Parts | undefined {
  return partsOf(resolveDestination({ origin, path }));
}

const partsOf = (url: URL | undefined): Parts | undefined =>
  url && [url.origin, url.protocol, url.username, url.password, url.pathname];

/** Makes every sequence of up to `most` parts. */
function* sequences(parts: Parts, most: number): Generator<string> {
  yield "";
  if (most === 0) return;
  for (const rest of sequences(parts, most - 1)) for (const part of parts) yield part + rest;
}

/** Characters that URL parsers treat in special ways. */
const tricky = ["/", "\\", "?", "#", "@", ":", ".", "..", "%2e", "%", "\t", " ", "é", "~", "a", "8443"];

describe("resolveDestination", () => {
  const plainOrigins = ["https://api.example.com", "http://127.0.0.1:3000", "https://API.example.com:443"];
  const plainPaths = ["/users", "/oauth/token?a=1", "//evil.example/users"];

  it.each(plainOrigins)("is the same whether origin and path are parsed as one or apart: %s", (origin) => {
    for (const rest of sequences(tricky, 3)) {
      for (const path of [rest, `/${rest}`])
        expect([path, together(origin, path)]).toEqual([path, apart(origin, path)]);
    }
  });

  it.each(plainPaths)("is the same for any origin, and %s", (path) => {
    for (const start of ["", "https:", "https://", "http://api.example.com"]) {
      for (const rest of sequences(tricky, 2)) {
        const origin = start + rest;
        expect([origin, together(origin, path)]).toEqual([origin, apart(origin, path)]);
      }
    }
  });

  it.each([
    ["https://api.example.com", "/oauth/../oauth/token?a=1"],
    ["https://api.example.com", "//evil.example/users"],
    ["https://api.example.com", "/@evil.example"],
    ["https://api.example.com", "/%2e%2e/users"],
    ["https://api.example.com", "@evil.example/"],
    ["https://api.example.com:", "/users"],
    ["https://api.example.com.", "/users"],
    ["https://user@api.example.com", "/users"],
    ["https://0x7f.1", "/users"],
  ])("is the same for %s and %s", (origin, path) => {
    expect(together(origin, path)).toEqual(apart(origin, path));
  });

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
