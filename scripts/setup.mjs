// `npm run setup`: installs what the tests of pages and of Redis need, where that needs nobody's leave.
import { provideBrowser } from "./browser.mjs";
import { provideRedisServer } from "./redis-server.mjs";

for (const [what, reason] of [
  ["in a browser", provideBrowser()],
  ["with a Redis server", provideRedisServer()],
]) {
  if (reason === undefined) console.log(`The tests ${what} have what they need.`);
  else {
    console.log(`The tests ${what} will be skipped: ${reason}.`);
    process.exitCode = 1;
  }
}
