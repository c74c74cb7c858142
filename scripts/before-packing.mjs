// `prepack` and `prepublishOnly` of every package: refuses to pack or publish what would not work for users.
import { existsSync, readFileSync } from "node:fs";
import { packageManager, pnpm } from "./workspace.mjs";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));

/** Why this package cannot be packed; undefined when it can. */
function findObstacle() {
  const [client = "another client"] = (process.env.npm_config_user_agent ?? "").split("/", 1).filter(Boolean);
  if (client !== "pnpm") {
    const command = process.env.npm_command === "publish" ? "publish" : "pack";
    return `${client} leaves "catalog:" and "workspace:" in package.json; run \`npx ${packageManager} ${command}\` instead.`;
  }
  if (process.env.npm_lifecycle_event === "prepublishOnly" && !build())
    return "The package could not be built.";
  const missing = listBuiltFiles(manifest).find((file) => !existsSync(file));
  return (
    missing &&
    `${missing} does not exist; run \`npx ${packageManager} build\` in the root of the repository first.`
  );
}

/** Builds the package, unless the release of all packages has done so: it publishes several at the same time. */
function build() {
  const filter = `--filter=${manifest.name}`;
  return process.env.TALKDESK_OAUTH_RELEASE === "1" || pnpm(["exec", "turbo", "run", "build", filter]);
}

/**
 * The files of `dist` that a manifest names.
 * @param {unknown} value A part of the manifest.
 * @returns {readonly string[]}
 */
function listBuiltFiles(value) {
  if (typeof value === "string") return value.startsWith("./dist/") ? [value] : [];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(listBuiltFiles) : [];
}

const obstacle = findObstacle();
if (obstacle !== undefined) {
  console.error(obstacle);
  process.exitCode = 1;
}
