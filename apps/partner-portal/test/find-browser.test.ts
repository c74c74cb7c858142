import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findBrowser } from "../../../scripts/browser.mjs";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "find-browser-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function place(...path: readonly string[]): string {
  const file = join(folder, ...path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "#!/bin/sh\n");
  chmodSync(file, 0o755);
  return file;
}

describe("findBrowser", () => {
  it("takes the first on the PATH that is a file and can be run", () => {
    mkdirSync(join(folder, "first", "chrome"), { recursive: true });
    chmodSync(place("second", "chromium"), 0o644);
    const browser = place("third", "google-chrome");
    place("fourth", "chromium");
    const PATH = ["first", "", "second", "third", "fourth"].map((name) => join(folder, name)).join(delimiter);
    expect(findBrowser({ PATH })).toBe(browser);
  });

  it("takes only the one that CHROME_PATH names", () => {
    const named = place("here", "a-browser");
    place("there", "chromium");
    const PATH = join(folder, "there");
    expect(findBrowser({ PATH, CHROME_PATH: named })).toBe(named);
    expect(findBrowser({ PATH, CHROME_PATH: folder })).toBeUndefined();
    expect(findBrowser({ PATH, CHROME_PATH: join(folder, "nothing") })).toBeUndefined();
  });
});

describe("provideBrowser", () => {
  const script = new URL("../../../scripts/browser.mjs", import.meta.url).href;
  const reason = (env: Readonly<Record<string, string>>): string => {
    const code = `import { provideBrowser } from ${JSON.stringify(script)}; console.log(provideBrowser() ?? "there is one");`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], { env });
    return String(stdout).trim();
  };

  it("says why there is no browser, and what to do", () => {
    expect(reason({ PATH: folder, CHROME_PATH: folder })).toBe(
      `CHROME_PATH names ${folder}, which cannot be run`,
    );
    expect(reason({ PATH: folder })).toMatch(
      /^no Chromium or Chrome is on the PATH, and .*; install it, or set CHROME_PATH$|^there is one$/,
    );
  });

  it("installs nothing when there is a browser", () => {
    place("chromium");
    expect(reason({ PATH: folder })).toBe("there is one");
  });
});
