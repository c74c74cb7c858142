import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { packageNames, readPackedFiles } from "../src/packed-files.mjs";

interface SourceMap {
  readonly sources: readonly string[];
  readonly sourcesContent?: readonly unknown[];
}

describe.each(packageNames())("the tarball of %s", (name) => {
  const files = readPackedFiles(name);
  const text = (path: string): string => files.get(path)?.toString() ?? "";
  const paths = [...files.keys()];
  const maps = paths.filter((path) => path.endsWith(".map"));

  it("has every map that a file names, and names every map", () => {
    const named = paths.flatMap((path) => {
      if (!/\.[cm]?[jt]s$/.test(path)) return [];
      const url = /^\/\/# sourceMappingURL=(.+)$/m.exec(text(path))?.[1];
      return url === undefined ? [] : [posix.join(posix.dirname(path), url)];
    });
    expect(maps.length).toBeGreaterThan(1);
    expect(named.sort()).toEqual(maps);
  });

  it("has maps for its declarations and its JavaScript", () => {
    expect(maps).toContain("dist/index.d.ts.map");
    expect(maps).toContainEqual(expect.stringMatching(/^dist\/[^.]+\.js\.map$/));
  });

  it("has every source that a map names, and has it once", () => {
    for (const path of maps) {
      const { sources, sourcesContent } = JSON.parse(text(path)) as SourceMap;
      expect(sources.length).toBeGreaterThan(0);
      for (const source of sources) expect(paths).toContain(posix.join(posix.dirname(path), source));
      expect(sourcesContent ?? []).toEqual([]);
    }
  });
});
