// `npm run demo`: installs and builds what the demo needs, then runs it.
import { install, pnpm, root, run } from "./workspace.mjs";

console.log("Installing and building; the first time takes about a minute.");
const isReady =
  install(["talkdesk-oauth", "@talkdesk-oauth/demo..."]) &&
  pnpm(
    [
      "exec",
      "turbo",
      "run",
      "build",
      "--filter=@talkdesk-oauth/demo...",
      "--output-logs=errors-only",
      "--log-prefix=none",
    ],
    {
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
if (!isReady) {
  console.error("The demo could not be installed or built; the lines above say why.");
  process.exitCode = 1;
} else {
  process.exitCode = run(process.execPath, [`${root}/apps/demo/dist/main.js`]) ? 0 : 1;
}
