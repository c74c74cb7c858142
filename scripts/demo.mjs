// `npm run demo`: installs and builds what the demo needs, then runs it.
import { runApp } from "./run-app.mjs";

process.exitCode = await runApp("demo");
