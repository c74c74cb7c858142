// Serves one of the Express apps in a process of its own, and reports the CPU time of that process.
import { createServer } from "node:http";
import { browserHeaders, expressApps } from "./express-apps.mjs";

const app = expressApps[process.argv[2]]();
const headers = await browserHeaders(app);
const server = createServer(app);
server.keepAliveTimeout = 60_000;
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send(user + system);
});
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port, headers }));
