import {
  clientSecretBasic,
  type Endpoints,
  type Region,
  talkdeskClient,
  talkdeskEndpoints,
} from "@talkdesk-oauth/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { REGIONS } from "./support/regions.js";

const authentication = clientSecretBasic({ clientId: "id", clientSecret: "secret" });

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("It did not throw.");
}

describe("talkdeskEndpoints", () => {
  const endpoints: Readonly<Record<Region, Endpoints>> = {
    us: {
      identity: "https://acme.talkdeskid.com",
      token: "https://acme.talkdeskid.com/oauth/token",
      authorize: "https://acme.talkdeskid.com/oauth/authorize",
      jwks: "https://acme.talkdeskid.com/oauth/2023-10/certs",
      api: "https://api.talkdeskapp.com",
    },
    eu: {
      identity: "https://acme.talkdeskid.eu",
      token: "https://acme.talkdeskid.eu/oauth/token",
      authorize: "https://acme.talkdeskid.eu/oauth/authorize",
      jwks: "https://acme.talkdeskid.eu/oauth/2023-10/certs",
      api: "https://api.talkdeskapp.eu",
    },
    ca: {
      identity: "https://acme.talkdeskidca.com",
      token: "https://acme.talkdeskidca.com/oauth/token",
      authorize: "https://acme.talkdeskidca.com/oauth/authorize",
      jwks: "https://acme.talkdeskidca.com/oauth/2023-10/certs",
      api: "https://api.talkdeskappca.com",
    },
    au: {
      identity: "https://acme.talkdeskid.au",
      token: "https://acme.talkdeskid.au/oauth/token",
      authorize: "https://acme.talkdeskid.au/oauth/authorize",
      jwks: "https://acme.talkdeskid.au/oauth/2023-10/certs",
      api: "https://api.talkdeskapp.au",
    },
  };

  it.each(REGIONS)("knows the addresses of region %s", (region) => {
    expect(talkdeskEndpoints("acme", region)).toEqual(endpoints[region]);
  });

  it.each(["EU", "Eu"])("takes the region %s in any case of letters", (region) => {
    expect(talkdeskEndpoints("acme", region as Region)).toEqual(talkdeskEndpoints("acme", "eu"));
  });

  it("takes us for the region when none is given", () => {
    expect(talkdeskEndpoints("acme").token).toBe("https://acme.talkdeskid.com/oauth/token");
  });

  it("lower-cases the account", () => {
    expect(talkdeskEndpoints("AcMe-Corp", "eu").authorize).toBe(
      "https://acme-corp.talkdeskid.eu/oauth/authorize",
    );
  });

  it.each(["a", "0", "a1-b", "xn--bcher-kva", "a".repeat(63)])("accepts the account %s", (account) => {
    expect(new URL(talkdeskEndpoints(account).token).hostname).toBe(`${account}.talkdeskid.com`);
  });

  it("returns an object that cannot be changed", () => {
    expect(Object.isFrozen(talkdeskEndpoints("acme"))).toBe(true);
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["an empty string", ""],
    ["a number", 7],
    ["a list", ["acme"]],
    ["an object that reads as a name", { toString: () => "acme" }],
    ["a boxed string", new String("acme")],
    ["a leading hyphen", "-acme"],
    ["a trailing hyphen", "acme-"],
    ["a hyphen alone", "-"],
    ["a dot", "acme.evil"],
    ["a trailing dot", "acme."],
    ["a whole host", "acme.talkdeskid.com"],
    ["a slash", "evil.example/"],
    ["a slash at the end", "acme/"],
    ["a backslash", "acme\\evil"],
    ["a user", "acme@evil"],
    ["a port", "acme:8443"],
    ["a query", "acme?x"],
    ["a fragment", "acme#x"],
    ["a percent escape", "acme%2e"],
    ["an underscore", "acme_corp"],
    ["a line break at the end", "acme\n"],
    ["a line break at the start", "\nacme"],
    ["a line break inside", "ac\nme"],
    ["a space at the end", "acme "],
    ["a space at the start", " acme"],
    ["a tab, which URLs drop", "ac\tme"],
    ["a NUL", "acme\u0000"],
    ["an ideographic full stop, which URLs read as a dot", "evil\u3002example"],
    ["a full-width full stop", "evil\uff0eexample"],
    ["a full-width letter", "\uff41cme"],
    ["a Cyrillic look-alike", "\u0430cme"],
    ["a Kelvin sign, which lower-cases to k", "\u212a"],
    ["a long s, which upper-cases to S", "\u017f"],
    ["a zero-width space", "ac\u200bme"],
    ["a soft hyphen, which URLs drop", "ac\u00adme"],
    ["64 characters", "a".repeat(64)],
  ])("refuses an account that is %s", (_, account) => {
    expect(thrownBy(() => talkdeskEndpoints(account as string))).toBeInstanceOf(TypeError);
  });

  it.each<unknown>([null, "", "uk", "us ", "U\u017f", "__proto__", "constructor", "toString", 1, {}, ["us"]])(
    "refuses the region %j",
    (region) => {
      expect(() => talkdeskEndpoints("acme", region as Region)).toThrow(
        `region must be one of ${REGIONS.join(", ")}.`,
      );
    },
  );

  it("never lets an account choose the host", () => {
    const account = fc.oneof(
      fc.string({ unit: "binary", maxLength: 70 }),
      fc.stringMatching(/^[A-Za-z0-9-]{1,70}$/),
      fc.string({ unit: fc.constantFrom("a", "Z", "9", "-", ".", "/", "@", ":", "\n", "%", "\u3002") }),
    );
    fc.assert(
      fc.property(account, fc.constantFrom(...REGIONS), (name, region) => {
        let endpoints: Endpoints;
        try {
          endpoints = talkdeskEndpoints(name, region);
        } catch (error) {
          return error instanceof TypeError;
        }
        const suffix = {
          us: "talkdeskid.com",
          eu: "talkdeskid.eu",
          ca: "talkdeskidca.com",
          au: "talkdeskid.au",
        };
        return [endpoints.identity, endpoints.token, endpoints.authorize, endpoints.jwks].every((address) => {
          const url = new URL(address);
          return url.href.startsWith(address) && url.host === `${name.toLowerCase()}.${suffix[region]}`;
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe("endpoints of a client", () => {
  const all: Endpoints = {
    identity: "https://id.example.com",
    token: "https://id.example.com/oauth/token",
    authorize: "https://id.example.com/oauth/authorize",
    jwks: "https://id.example.com/keys",
    api: "https://api.example.com",
  };

  it.each<[Exclude<keyof Endpoints, "identity">, string]>([
    ["token", "https://login.example.com/t"],
    ["authorize", "https://login.example.com/a"],
    ["jwks", "https://login.example.com/j"],
    ["api", "https://gateway.example.com"],
  ])("can replace %s beside an account", (name, address) => {
    const { endpoints } = talkdeskClient({
      account: "acme",
      region: "ca",
      endpoints: { [name]: address },
      authentication,
    });
    expect(endpoints).toEqual({
      identity: "https://acme.talkdeskidca.com",
      token: "https://acme.talkdeskidca.com/oauth/token",
      authorize: "https://acme.talkdeskidca.com/oauth/authorize",
      jwks: "https://acme.talkdeskidca.com/oauth/2023-10/certs",
      api: "https://api.talkdeskappca.com",
      [name]: address,
    });
  });

  it("can be all given, without an account", () => {
    expect(talkdeskClient({ endpoints: all, authentication }).endpoints).toEqual(all);
  });

  it.each([undefined, "acme"])("follow from the identity host, beside the account %s", (account) => {
    const { endpoints } = talkdeskClient({
      ...(account !== undefined && { account }),
      endpoints: { identity: "https://ID.example.com/", api: all.api },
      authentication,
    });
    expect(endpoints).toEqual({ ...all, jwks: "https://id.example.com/oauth/2023-10/certs" });
  });

  it.each([
    ["https://id.example.com/oauth/token", "https://id.example.com"],
    ["https://proxy.example.com/talkdesk/oauth/token", "https://proxy.example.com"],
    ["http://127.0.0.1:4010/us/acme/oauth/token", "http://127.0.0.1:4010/us/acme"],
    ["http://localhost:4010/token", "http://localhost:4010"],
  ])("need no more than token and api; %s stands at %s", (token, identity) => {
    const { endpoints } = talkdeskClient({ endpoints: { token, api: all.api }, authentication });
    expect(endpoints).toEqual({
      identity,
      token,
      authorize: `${identity}/oauth/authorize`,
      jwks: `${identity}/oauth/2023-10/certs`,
      api: all.api,
    });
  });

  it("may have an identity host with a path on a loopback address alone", () => {
    const at = (identity: string) =>
      talkdeskClient({ endpoints: { identity, api: all.api }, authentication }).endpoints;
    expect(at("http://127.0.0.1:4010/us/acme/").token).toBe("http://127.0.0.1:4010/us/acme/oauth/token");
    expect(() => at("https://id.example.com/acme")).toThrow(/^endpoints.identity must be an origin/);
    expect(() => at("https://id.example.com?a=b")).toThrow(/^endpoints.identity must not have a query/);
  });

  it.each<[Partial<Endpoints>, string]>([
    [{}, "identity, api"],
    [{ identity: all.identity, token: all.token, authorize: all.authorize, jwks: all.jwks }, "api"],
    [{ authorize: all.authorize, jwks: all.jwks, api: all.api }, "identity"],
  ])("need an account, or what the rest follows from: %j", (endpoints, missing) => {
    expect(() => talkdeskClient({ endpoints, authentication })).toThrow(
      new TypeError(
        `Give an account, or endpoints.identity and endpoints.api; missing: ${missing}. Without logins, token in place of identity is enough.`,
      ),
    );
  });

  it("take an override that is undefined for absent", () => {
    const endpoints = { token: undefined } as unknown as Partial<Endpoints>;
    expect(talkdeskClient({ account: "acme", endpoints, authentication }).endpoints.token).toBe(
      "https://acme.talkdeskid.com/oauth/token",
    );
  });

  it("refuse a region that no account goes with", () => {
    expect(() => talkdeskClient({ region: "eu", endpoints: all, authentication })).toThrow(TypeError);
  });

  it.each<unknown>([null, "https://id.example.com", 7])("refuse %j in place of the object", (endpoints) => {
    expect(() =>
      talkdeskClient({ account: "acme", endpoints: endpoints as Partial<Endpoints>, authentication }),
    ).toThrow(TypeError);
  });

  it("do not change with the object they were given in", () => {
    const given = { ...all };
    const client = talkdeskClient({ endpoints: given, authentication });
    given.token = "https://evil.example/oauth/token";
    expect(client.endpoints.token).toBe(all.token);
    expect(Object.isFrozen(client.endpoints)).toBe(true);
  });

  it.each([
    ["http://localhost:8080/oauth/token", "http://localhost:8080/oauth/token"],
    ["http://LOCALHOST/oauth/token", "http://localhost/oauth/token"],
    ["http://127.0.0.1:1/oauth/token", "http://127.0.0.1:1/oauth/token"],
    ["http://127.255.255.254/oauth/token", "http://127.255.255.254/oauth/token"],
    ["http://127.1/oauth/token", "http://127.0.0.1/oauth/token"],
    ["http://2130706433/oauth/token", "http://127.0.0.1/oauth/token"],
    ["http://[::1]:3000/oauth/token", "http://[::1]:3000/oauth/token"],
    ["http://[0:0:0:0:0:0:0:1]/oauth/token", "http://[::1]/oauth/token"],
    ["HTTPS://ID.Example.COM:443/oauth/token", "https://id.example.com/oauth/token"],
    ["https://bücher.example/oauth/token", "https://xn--bcher-kva.example/oauth/token"],
  ])("take %s, as %s", (given, expected) => {
    const client = talkdeskClient({ endpoints: { ...all, token: given }, authentication });
    expect(client.endpoints.token).toBe(expected);
  });

  it("take a host beyond ASCII however many clients there are", () => {
    // In Node 20 and 22, URL.canParse refuses it once the code around it is hot.
    for (let count = 0; count < 20_000; count++) {
      const { endpoints } = talkdeskClient({
        endpoints: { ...all, token: "https://bücher.example/oauth/token" },
        authentication,
      });
      if (endpoints.token !== "https://xn--bcher-kva.example/oauth/token") expect.fail(endpoints.token);
    }
  });

  const unsafe = [
    "http://id.example.com/oauth/token",
    "http://localhost.evil.example/oauth/token",
    "http://127.0.0.1.evil.example/oauth/token",
    "http://evil.localhost/oauth/token",
    "http://localhost./oauth/token",
    "http://0.0.0.0/oauth/token",
    "http://128.0.0.1/oauth/token",
    "http://[::]/oauth/token",
    "http://[::ffff:127.0.0.1]/oauth/token",
    "http://127.0.0.1@evil.example/oauth/token",
    "https://user@id.example.com/oauth/token",
    "https://user:canary@id.example.com/oauth/token",
    "https://:canary@id.example.com/oauth/token",
    "https://id.example.com./oauth/token",
    "https://id.example.com/oauth/token?client_id=canary",
    "https://id.example.com/oauth/token?",
    "https://id.example.com/oauth/token#canary",
    "https://id.example.com/oauth/token#",
    "ws://localhost/oauth/token",
    "ftp://id.example.com/oauth/token",
    "file:///oauth/token",
    "data:application/json,canary",
    "javascript:canary()",
    "blob:https://id.example.com/canary",
    "//id.example.com/oauth/token",
    "/oauth/token",
    "id.example.com/oauth/token",
    "https://",
    "",
    7,
    null,
    {},
    new URL("https://id.example.com/oauth/token"),
  ];
  it.each(
    (["token", "authorize", "jwks"] as const).flatMap((name) =>
      unsafe.map((value) => [name, value] as const),
    ),
  )("refuse for %s the address %s, without repeating it", (name, value) => {
    const error = thrownBy(() =>
      talkdeskClient({ account: "acme", endpoints: { [name]: value as string }, authentication }),
    );
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toContain(`endpoints.${name}`);
    expect((error as TypeError).message).not.toContain("canary");
  });

  it.each([
    ["https://api.example.com", "https://api.example.com"],
    ["https://api.example.com/", "https://api.example.com"],
    ["https://API.Example.com:443/", "https://api.example.com"],
    ["https://api.example.com:8443", "https://api.example.com:8443"],
    ["http://127.0.0.1:4000/", "http://127.0.0.1:4000"],
  ])("take the gateway %s, as the origin %s", (given, expected) => {
    expect(talkdeskClient({ endpoints: { ...all, api: given }, authentication }).endpoints.api).toBe(
      expected,
    );
  });

  it.each([
    "https://api.example.com/v1",
    "https://api.example.com/v1/",
    "https://api.example.com//",
    "https://api.example.com/?x=1",
    "https://api.example.com/#x",
    "https://user@api.example.com",
    "http://api.example.com",
    "api.example.com",
  ])("refuse the gateway %s", (api) => {
    expect(thrownBy(() => talkdeskClient({ endpoints: { ...all, api }, authentication }))).toBeInstanceOf(
      TypeError,
    );
  });
});
