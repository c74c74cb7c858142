import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { packageNames, readPackedFiles } from "./packed-files.mjs";
import { USES } from "./uses.mjs";

const folder = fileURLToPath(new URL("..", import.meta.url));

/** Where the sizes are committed. */
export const SIZES_FILE = fileURLToPath(new URL("../sizes.json", import.meta.url));

/**
 * Measures the build, in bytes:
 * - `uses`: all that a program with one import needs of the packages and of jose, minified and compressed.
 * - `entries`: all that one package exports, without what it imports from others.
 * - `tarballs`: what npm downloads and unpacks.
 */
export async function measureSizes() {
  const uses = {};
  for (const [name, contents] of Object.entries(USES)) uses[name] = await bundle(contents, isOfOthers);
  const entries = {};
  const tarballs = {};
  for (const name of packageNames()) {
    entries[name] = await bundle(
      `export * from "@talkdesk-oauth/${name}";`,
      (path) => path !== `@talkdesk-oauth/${name}`,
    );
    tarballs[name] = packedSize(name);
  }
  return { uses, entries, tarballs };
}

const isOfOthers = (path) => !path.startsWith("@talkdesk-oauth/") && !path.startsWith("jose/");

/** Bundles as a web app does, without the modules that `isExternal` names. */
async function bundle(contents, isExternal) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    plugins: [
      {
        name: "external",
        setup({ onResolve }) {
          onResolve({ filter: /^[^.]/ }, ({ path, kind }) =>
            kind !== "entry-point" && isExternal(path) ? { path, external: true } : undefined,
          );
        },
      },
    ],
  });
  const [{ contents: code }] = outputFiles;
  return { minified: code.length, gzip: gzipSync(code, { level: 9 }).length };
}

/** The size of a tarball as npm makes it, but for a few bytes of headers. */
function packedSize(name) {
  const files = readPackedFiles(name);
  const blocks = [...files].flatMap(([path, content]) => {
    const header = Buffer.alloc(512);
    header.write(`package/${path}`);
    return [header, content, Buffer.alloc(-content.length & 511)];
  });
  return {
    packed: gzipSync(Buffer.concat(blocks), { level: 9 }).length,
    unpacked: [...files.values()].reduce((sum, content) => sum + content.length, 0),
  };
}
