import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const CLIENT_CREDENTIALS = `
  export { clientCredentials, clientSecretBasic, talkdeskClient } from "@talkdesk-oauth/core";
  export { talkdeskFetch } from "@talkdesk-oauth/fetch";
`;

/** Measures a bundle of what client credentials need of core and fetch. */
export async function bundleSize() {
  const { outputFiles } = await build({
    stdin: { contents: CLIENT_CREDENTIALS, resolveDir: fileURLToPath(new URL("..", import.meta.url)) },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2022",
    write: false,
  });
  const [{ contents }] = outputFiles;
  const kb = (bytes) => `${(bytes / 1024).toFixed(2)} KB`;
  return [
    "Client credentials with core and fetch, bundled",
    `  minified ${kb(contents.byteLength)}, gzip ${kb(gzipSync(contents, { level: 9 }).byteLength)}, brotli ${kb(brotliCompressSync(contents).byteLength)}`,
  ];
}
