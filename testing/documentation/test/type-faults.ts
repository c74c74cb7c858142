import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The native compiler, as `npm run types` uses it: the other takes eight times as long. */
const tsc = fileURLToPath(new URL("../../../node_modules/typescript-native/bin/tsc", import.meta.url));

/**
 * Checks the types of files in a folder, into which it writes a tsconfig.json.
 * @param files Their paths, absolute or within the folder.
 * @param settings The `compilerOptions` of the tsconfig.json.
 * @returns What the compiler said: nothing when all is well.
 */
export async function findTypeFaults(
  folder: string,
  files: readonly string[],
  settings: object,
): Promise<string> {
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...settings, noEmit: true }, files }),
  );
  const args = [tsc, "-p", ".", "--pretty", "false", "--singleThreaded"];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: folder }, (error, stdout, stderr) => {
      if (error && stdout === "") reject(new Error(stderr, { cause: error }));
      else resolve(stdout);
    });
  });
}
