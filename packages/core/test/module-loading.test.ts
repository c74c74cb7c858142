import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { issued, KEYS } from "./support/signing-keys.js";
import { failure } from "./support/token-endpoint.js";

const home = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Whatever a module names in order to load it, statically or by `require`; and by `import()`, when it comes to that. */
function loadedBy(code: string): { readonly atOnce: string[]; readonly later: string[] } {
  const withoutComments = code.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const names = withoutComments.matchAll(
    /(\bfrom\s*|\bimport\s*|\bimport\s*\(\s*|\brequire\s*\(\s*)(["'`])([^"'`\n]+)\2/g,
  );
  const loads = [...names].map(([, how = "", , name = ""]) => ({ isLater: /import\s*\(/.test(how), name }));
  const named = (later: boolean) => loads.filter(({ isLater }) => isLater === later).map(({ name }) => name);
  return { atOnce: named(false), later: named(true) };
}

function filesIn(folder: string, extension: RegExp): string[] {
  const path = join(home, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => extension.test(name))
    .map((name) => join(path, name));
}

describe("loading core", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
    vi.resetModules();
  });

  it("is seen by these tests", () => {
    const code = [
      'import { a } from "node:a"; import b from \'b\'; import "c"; export * from "d";',
      'await import("e"); const f = require("f"); export { g } from "g";',
      '// import "no"',
      '/* import "no" */',
    ];
    expect(loadedBy(code.join("\n"))).toEqual({ atOnce: ["node:a", "b", "c", "d", "f", "g"], later: ["e"] });
  });

  it("loads no other module from the sources, except jose when it is needed", () => {
    const files = filesIn("src", /\.ts$/);
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const { atOnce, later } = loadedBy(readFileSync(file, "utf8"));
      for (const name of atOnce) expect(name).toMatch(/^\.\.?\/(?:[a-z-]+\/)?[a-z-]+\.js$/);
      for (const name of later) expect(name).toMatch(/^jose(?:\/|$)/);
    }
  });

  it("loads no other module from the build, except jose when it is needed", () => {
    for (const file of filesIn("dist", /\.[cm]?js$/)) {
      const { atOnce, later } = loadedBy(readFileSync(file, "utf8"));
      for (const name of atOnce) expect(name).toMatch(/^\.{1,2}\//);
      for (const name of later) expect(name).toMatch(/^jose(?:\/|$)/);
    }
  });

  it("needs no dependency but jose", () => {
    const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as Record<string, object>;
    expect(Object.keys(manifest["dependencies"] ?? {})).toEqual(["jose"]);
    expect([manifest["peerDependencies"], manifest["optionalDependencies"]]).toEqual([undefined, undefined]);
  });

  describe("before jose", () => {
    const sent = { headers: new Headers(), now: 0 };

    afterEach(() => {
      vi.doUnmock("jose/jws/compact/sign");
      vi.doUnmock("jose/jws/compact/verify");
    });

    it("loads it when an assertion is signed, and never for a secret", async () => {
      let loads = 0;
      vi.doMock("jose/jws/compact/sign", async (original) => {
        loads += 1;
        return await original();
      });
      vi.resetModules();
      const { clientSecretBasic, privateKeyJwt, talkdeskEndpoints } = await import("@talkdesk-oauth/core");
      const endpoints = talkdeskEndpoints("acme");
      const body = new URLSearchParams();
      await clientSecretBasic({ clientId: "i", clientSecret: "s" })({ ...sent, endpoints, body });
      const privateKey = issued(KEYS.ES256.privateKey);
      const authentication = privateKeyJwt({ clientId: "i", keyId: "k", privateKey });
      expect(loads).toBe(0);
      await authentication({ ...sent, endpoints, body });
      expect(loads).toBe(1);
      expect(body.get("client_assertion")?.split(".")).toHaveLength(3);
    });

    it("says that it is missing where it is", async () => {
      vi.doMock("jose/jws/compact/sign", () => {
        throw new Error("Cannot find package");
      });
      vi.resetModules();
      const { privateKeyJwt, talkdeskEndpoints } = await import("@talkdesk-oauth/core");
      const privateKey = issued(KEYS.ES256.privateKey);
      const authentication = privateKeyJwt({ clientId: "i", keyId: "k", privateKey });
      const request = { ...sent, endpoints: talkdeskEndpoints("acme"), body: new URLSearchParams() };
      const error = await failure(Promise.resolve(authentication(request)));
      expect(error).toMatchObject({
        code: "credentials_unavailable",
        retryable: false,
        message: expect.stringMatching(/^The package jose, .* could not be loaded/),
      });
      // The error of the module loader, which tells a missing package from an import() that does not work.
      expect(error.cause).toMatchObject({ message: expect.stringMatching(/mocking|Cannot find package/) });
    });

    it("says that it is missing where it is, when an ID token is to be verified", async () => {
      vi.doMock("jose/jws/compact/verify", () => {
        throw new Error("Cannot find package");
      });
      vi.resetModules();
      const core = await import("@talkdesk-oauth/core");
      const answer = { access_token: "at", token_type: "bearer", id_token: "e30.e30.AA" };
      const client = core.talkdeskClient({
        account: "acme",
        authentication: core.clientSecretBasic({ clientId: "i", clientSecret: "s" }),
        fetch: async () => Response.json(answer),
      });
      const pending = await core.startAuthorization(client, {
        redirectUri: "https://app.example.com/callback",
        scope: "openid",
      });
      const error = await failure(core.finishAuthorization(client, `code=c&state=${pending.state}`, pending));
      expect(error.code).toBe("id_token_invalid");
      expect(error.message).toMatch(/^The package jose, .* could not be loaded/);
      expect(error.cause).toMatchObject({ message: expect.stringMatching(/mocking|Cannot find package/) });
    });
  });

  it("does nothing: it asks no clock, draws no numbers, sends nothing, asks for no built-in", async () => {
    const touched: string[] = [];
    const touch = (name: string) => () => {
      touched.push(name);
    };
    vi.resetModules();
    vi.stubGlobal("fetch", touch("fetch"));
    vi.spyOn(Math, "random").mockImplementation(() => {
      touched.push("Math.random");
      return 0;
    });
    vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
      touched.push("getRandomValues");
      return array;
    });
    const builtin = vi.spyOn(process, "getBuiltinModule");
    const listeners = process.eventNames().map((name) => [name, process.listenerCount(name)]);
    const globals = Object.getOwnPropertyNames(globalThis);
    const core = await import("@talkdesk-oauth/core");
    expect(core.talkdeskEndpoints("acme").api).toBe("https://api.talkdeskapp.com");
    expect(touched).toEqual([]);
    expect(builtin.mock.calls.filter(([name]) => /diagnostics|crypto/.test(name))).toEqual([]);
    expect(process.eventNames().map((name) => [name, process.listenerCount(name)])).toEqual(listeners);
    expect(Object.getOwnPropertyNames(globalThis)).toEqual(globals);
  });
});
