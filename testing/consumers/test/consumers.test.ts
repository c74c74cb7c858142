import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Context, type Contexts, openContexts } from "../frame/context.mjs";

let contexts: Contexts;
let context: Context;

beforeAll(async () => {
  contexts = await openContexts();
  context = await contexts.open(new AbortController().signal);
});
afterAll(() => contexts?.end());

describe("the packed packages", () => {
  it("work in a script of ES modules", async () => {
    const cwd = await context.install("esm", ["core", "fetch"]);
    expect(await context.run(process.execPath, ["main.mjs"], { cwd })).toBe("200 true source_closed");
    // Nothing listens on port 1.
    const env = { TALKDESK_TOKEN_URL: "http://127.0.0.1:1/oauth/token" };
    expect(await context.run(process.execPath, ["unreachable.mjs"], { cwd, env })).toBe("token_network");
  });

  it("work in a CommonJS script, and bring the licence of the code that is built into them", async () => {
    const cwd = await context.install("cjs", ["core", "fetch"]);
    expect(await context.run(process.execPath, ["main.cjs"], { cwd })).toBe("200 true source_closed");

    const dist = join(cwd, "node_modules/@talkdesk-oauth/core/dist");
    const code = await readdir(dist);
    const bundled = code.filter((name) => name.endsWith(".cjs") && name !== "index.cjs");
    expect(bundled.length).toBeGreaterThan(0);
    expect(await readFile(join(dist, "jose.LICENSE.md"), "utf8")).toMatch(/MIT License[\s\S]*Filip Skokan/);
  });
});
