import { hostEmulator } from "./command/emulator-process.js";

const [folder = "."] = process.argv.slice(2);
await hostEmulator(folder, (port) => process.stdout.write(`${port}\n`));
