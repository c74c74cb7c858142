import { describe, expect, it } from "vitest";
import { AuthorizedHeaders, hasAuthorization, readHeaders } from "../src/headers.js";

type Given = NonNullable<RequestInit["headers"]>;

function makeHeaders(snapshot: ReturnType<typeof readHeaders>): Headers {
  return new AuthorizedHeaders().prepare(snapshot).headers;
}

describe("headers", () => {
  const shapes: Record<string, () => unknown> = {
    "no headers": () => ({}),
    "a record": () => ({ Accept: "text/plain", "x-a": " padded\t", "x-empty": "" }),
    "a record with a name in two spellings": () => ({ accept: "1", Accept: "2" }),
    "a record of other values": () => ({ "x-a": 1, "x-b": undefined, "x-c": ["1", "2"] }),
    "a record with a getter": () => Object.defineProperty({}, "x-a", { get: () => "1", enumerable: true }),
    "a record with a member that is not enumerable": () => Object.defineProperty({}, "x-a", { value: "1" }),
    "a record without a prototype": () => Object.assign(Object.create(null), { "x-a": "1" }),
    "a record of a class": () =>
      new (class Record {
        "x-a" = "1";
      })(),
    "a record with a symbol": () => ({ [Symbol("x-a")]: "1" }),
    "a record that is iterable": () => ({ "x-a": "1", [Symbol.iterator]: () => [["x-b", "2"]].values() }),
    "a name that is none": () => ({ "not a name": "1" }),
    "a value that is none": () => ({ "x-a": "1\n2" }),
    "a value beyond Latin-1": () => ({ "x-a": "☎" }),
    "a list": () => [
      ["x-a", "1"],
      ["X-A", "2"],
    ],
    "a Map": () => new Map([["x-a", "1"]]),
    Headers: () => new Headers({ "x-a": "1" }),
    text: () => "x-a: 1",
  };

  function outcome(make: () => Headers): unknown {
    try {
      return [...make()];
    } catch (error) {
      return (error as object).constructor;
    }
  }

  it.each(Object.keys(shapes))("are read as the platform reads them: %s", (name) => {
    const given = (): Given => shapes[name]?.() as Given;
    const expected = outcome(() => new Headers(given()));
    expect(outcome(() => makeHeaders(readHeaders(given())))).toEqual(expected);
  });

  it("have an Authorization in any spelling", () => {
    for (const name of ["authorization", "Authorization", "AUTHORIZATION"]) {
      for (const value of ["Basic 1", ""]) {
        expect(hasAuthorization(readHeaders({ [name]: value }))).toBe(true);
        expect(hasAuthorization(readHeaders([[name, value]]))).toBe(true);
      }
    }
    expect(hasAuthorization(readHeaders({ "proxy-authorization": "Basic 1" }))).toBe(false);
  });

  it("are read once, and are the same at each sending", () => {
    let reads = 0;
    const count = (): string => {
      reads += 1;
      return String(reads);
    };
    const given = {
      "x-a": { toString: count } as unknown as string,
      get "x-b"() {
        return count();
      },
    };
    const headers = readHeaders(given);
    makeHeaders(headers).set("x-a", "changed beneath");
    expect([...makeHeaders(headers)]).toEqual([
      ["x-a", expect.stringMatching(/^[12]$/)],
      ["x-b", expect.stringMatching(/^[12]$/)],
    ]);
    expect(reads).toBe(2);
  });

  it.each([() => ({ "x-a": "1" }), () => new Headers({ "x-a": "1" })])(
    "are those of the call: %o",
    (make) => {
      const given = make();
      const headers = readHeaders(given);
      if (given instanceof Headers) given.set("x-a", "2");
      else given["x-a"] = "2";
      expect(makeHeaders(headers).get("x-a")).toBe("1");
    },
  );

  it.each([undefined, { "x-a": "1" }, new Headers({ "x-a": "1" })])(
    "have the token of their request: %o",
    (given) => {
      const authorized = new AuthorizedHeaders();
      const snapshot = given && readHeaders(given);
      const own = given === undefined ? [] : [["x-a", "1"]];
      const early = authorized.prepare(snapshot);
      // Prepared with the first token, and sent when it was replaced; and the other way round.
      const sent = ["Bearer 1", "Bearer 1", "Bearer 2", "Bearer 2"].map((token) => [
        ...authorized.authorize(authorized.prepare(snapshot), token),
      ]);
      sent.push([...authorized.authorize(early, "Bearer 1")]);
      expect(sent).toEqual([1, 1, 2, 2, 1].map((token) => [["authorization", `Bearer ${token}`], ...own]));
    },
  );

  it("are not shared by requests with the same token", () => {
    const authorized = new AuthorizedHeaders();
    const make = (): Headers => authorized.authorize(authorized.prepare(undefined), "Bearer 1");
    for (let requests = 0; requests < 3; requests++) make().append("authorization", "changed beneath");
    expect(make().get("authorization")).toBe("Bearer 1");
  });
});
