import { getProcessSurroundings, runCommand } from "./cli-command.js";

process.exitCode = await runCommand(process.argv.slice(2), getProcessSurroundings());
