// `node scripts/task.mjs PACKAGE TASK [arguments]`: installs and builds what a private package needs, and runs its task.
import { install, pnpm } from "./workspace.mjs";

const [name, task, ...args] = process.argv.slice(2);
const isDone =
  install() && pnpm(["exec", "turbo", "run", task, `--filter=@talkdesk-oauth/${name}`, "--", ...args]);
process.exitCode = isDone ? 0 : 1;
