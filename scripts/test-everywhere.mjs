// `npm run test:everywhere`: what `npm test` does not run, because it takes other versions of what people have.
import { existsSync } from "node:fs";
import { startTestRun } from "./test-run.mjs";
import { recordInstall, recordTool, root } from "./workspace.mjs";

const { check, suites, note, end } = startTestRun("test-everywhere");

const isReady =
  (await check("install", recordInstall)) &&
  (await check("build (tsdown)", () => recordTool("turbo", "run", "build", "--output-logs=errors-only")));

if (isReady) {
  for (const major of [22, 24, 26]) {
    const node = `${root}/testing/node-versions/node_modules/node${major}/bin/node`;
    if (existsSync(node)) {
      await suites(`packages on Node ${major}`, ["packages/", "--config=vitest.dist.config.ts"], node);
    } else note(`Node ${major} is not to be had for this platform; its run was left out.`);
  }
}
end();
