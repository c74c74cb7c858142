// `npm run types [-- folder …]`: checks the types of all projects, or of those in the folders, on sources and on the build.
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { record, root } from "./workspace.mjs";

const folders = ["packages", "apps", "testing"]
  .flatMap((group) => readdirSync(`${root}/${group}`).map((name) => `${group}/${name}`))
  .flatMap((folder) => [folder, `${folder}/test`])
  .filter((folder) => existsSync(`${root}/${folder}/tsconfig.json`));

/**
 * The projects of a folder. Tests are checked on the build alone: on the sources they see the same types.
 * @param {string} folder
 */
function projectsOf(folder) {
  const configs = readdirSync(`${root}/${folder}`).filter((name) => /^tsconfig(\..*)?\.json$/.test(name));
  const isOnBuild = folder.endsWith("/test") && configs.includes("tsconfig.dist.json");
  return configs.filter((name) => !isOnBuild || name !== "tsconfig.json").map((name) => `${folder}/${name}`);
}

const wanted = process.argv.slice(2).map((folder) => folder.replace(/\/$/, ""));
const isWanted = (/** @type {string} */ folder) =>
  wanted.length === 0 || wanted.some((path) => folder === path || folder.startsWith(`${path}/`));
const projects = folders.filter(isWanted).flatMap(projectsOf);

// The native compiler: eight times as fast as the TypeScript that builds.
const tsc = `${root}/node_modules/typescript-native/bin/tsc`;
// Several run side by side, so threads only cost time. Collecting garbage does too: no project needs 300 MB without it.
const threads = ["--singleThreaded"];
const memory = { GOGC: "off" };
const failed = [];
async function work() {
  for (let project = projects.pop(); project !== undefined; project = projects.pop()) {
    const { isOk } = await record(process.execPath, [tsc, "-p", project, ...threads], memory);
    if (!isOk) failed.push(project);
  }
}
if (projects.length === 0) failed.push(`no project in ${wanted.join(", ")}`);
await Promise.all(Array.from({ length: availableParallelism() }, work));
if (failed.length > 0) console.log(`Types are wrong in: ${failed.join(", ")}`);
process.exitCode = failed.length > 0 ? 1 : 0;
