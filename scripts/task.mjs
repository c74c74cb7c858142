// `node scripts/task.mjs PACKAGE TASK [arguments]`: installs and builds what a private package needs, and runs its task.
import { install, pnpm } from "./workspace.mjs";

const [name, task, ...args] = process.argv.slice(2);
// A build that comes from turbo's cache leaves the files of an earlier one beside it, and they would be measured too.
const command = ["turbo", "run", task, `--filter=@talkdesk-oauth/${name}`, "--force"];
const isDone = install() && pnpm(["exec", ...command, "--", ...args]);
process.exitCode = isDone ? 0 : 1;
