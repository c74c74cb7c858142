import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), "utf8");

it.each([
  ["README.md", "Express"],
  ["packages/express/README.md", "A login for users"],
])("%s shows under %j what apps/hello-login runs", async (page, heading) => {
  const [, section = ""] = (await read(page)).split(`\n## ${heading}\n`);
  const [, example] = /^```ts\n(.*?)^```$/ms.exec(section) ?? [];
  expect(example).toBe(await read("apps/hello-login/src/main.ts"));
});
