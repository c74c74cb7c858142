import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";

const home = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Whatever a module names in order to load it: statically, dynamically or by `require`. */
function loadedBy(code: string): string[] {
  const withoutComments = code.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const names = withoutComments.matchAll(
    /(?:\bfrom\s*|\bimport\s*|\bimport\s*\(\s*|\brequire\s*\(\s*)(["'`])([^"'`\n]+)\1/g,
  );
  return [...names].map(([, , name = ""]) => name);
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
    expect(loadedBy(code.join("\n"))).toEqual(["node:a", "b", "c", "d", "e", "f", "g"]);
  });

  it("loads no other module, of Node or anybody's, from the sources", () => {
    const files = filesIn("src", /\.ts$/);
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      for (const name of loadedBy(readFileSync(file, "utf8"))) expect(name).toMatch(/^\.\/[a-z-]+\.js$/);
    }
  });

  it("loads no other module from what is built, where it is built", () => {
    for (const file of filesIn("dist", /\.[cm]?js$/)) {
      for (const name of loadedBy(readFileSync(file, "utf8"))) expect(name).toMatch(/^\.{1,2}\//);
    }
  });

  it("needs no dependency", () => {
    const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as Record<string, unknown>;
    expect([
      manifest["dependencies"],
      manifest["peerDependencies"],
      manifest["optionalDependencies"],
    ]).toEqual([undefined, undefined, undefined]);
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
