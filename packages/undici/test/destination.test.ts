import { describe, expect, it } from "vitest";
import { destination } from "../src/destination.js";

type Parts = readonly string[];

/** The same request with its origin as a URL, which is never parsed together with the path. */
function apart(origin: string, path: string): Parts | "invalid" {
  try {
    return partsOf(destination({ origin: new URL(origin), path }));
  } catch {
    return "invalid";
  }
}

function together(origin: string, path: string): Parts | "invalid" {
  try {
    return partsOf(destination({ origin, path }));
  } catch {
    return "invalid";
  }
}

const partsOf = ({ origin, protocol, username, password, pathname }: URL): Parts => [
  origin,
  protocol,
  username,
  password,
  pathname,
];

/** Every sequence of up to so many of these. */
function* sequences(parts: Parts, most: number): Generator<string> {
  yield "";
  if (most === 0) return;
  for (const rest of sequences(parts, most - 1)) for (const part of parts) yield part + rest;
}

/** What URL parsers stumble over. */
const tricky = ["/", "\\", "?", "#", "@", ":", ".", "..", "%2e", "%", "\t", " ", "é", "~", "a", "8443"];

describe("destination", () => {
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

  it("goes by the name that TLS proves", () => {
    const request = { origin: "https://127.0.0.1:8443", path: "/users?a=1", servername: "api.example.com" };
    expect(destination(request).href).toBe("https://api.example.com:8443/users");
  });

  it("is a TypeError without an origin", () => {
    expect(() => destination({ path: "/users" })).toThrow(TypeError);
  });
});
