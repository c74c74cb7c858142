import { channel } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { enterRoute, leaveRoute, type Routed, watchRoutes } from "../src/route.js";

const created = channel("undici:request:create");

function routed(name: string): Routed {
  return { authorization: `Bearer ${name}`, origin: new URL(`https://${name}.example`), place: -1 };
}

/** Publishes a request of undici's to a wrong origin, and tells whether it was stopped. */
function isStopped(name: string): boolean {
  const headers = ["x-trace", "1", "Authorization", `Bearer ${name}`, "x-last", "2"];
  const request: { origin: string; headers: string[]; error?: Error } = {
    origin: "https://elsewhere.example",
    headers,
  };
  created.publish({ request });
  if (request.error !== undefined) expect(headers).toEqual(["x-trace", "1", "x-last", "2"]);
  return request.error !== undefined;
}

describe("requests that are under way", () => {
  it("are watched until they have ended, in whichever order they do", () => {
    watchRoutes();
    const names = ["a", "b", "c", "d"];
    for (const order of [names, ["d", "c", "b", "a"], ["b", "d", "a", "c"], ["c", "a", "d", "b"]]) {
      const routes = new Map(names.map((name) => [name, routed(name)]));
      for (const each of routes.values()) enterRoute(each);
      const left = new Set(names);
      for (const name of order) {
        expect(names.filter(isStopped)).toEqual(names.filter((each) => left.has(each)));
        const ended = routes.get(name) as Routed;
        leaveRoute(ended);
        // A handler that throws at the end is told twice.
        leaveRoute(ended);
        left.delete(name);
      }
      expect(names.filter(isStopped)).toEqual([]);
    }
  });

  it.each([
    ["https://a.example", undefined, true],
    ["https://a.example:443", undefined, true],
    ["https://192.0.2.1", "a.example", true],
    ["https://a.example", "evil.example", false],
    ["https://a.example:8443", undefined, false],
    ["http://a.example", undefined, false],
  ])("keep their token at %s with the servername %s: %s", (origin, servername, expected) => {
    const route = routed("a");
    enterRoute(route);
    const headers = ["authorization", "Bearer a"];
    const request = { origin, servername, headers, error: undefined };
    created.publish({ request });
    leaveRoute(route);
    expect(headers).toEqual(expected ? ["authorization", "Bearer a"] : []);
    expect(request.error === undefined).toBe(expected);
  });
});
