import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), "utf8");

it("shows in the README what apps/hello-login runs", async () => {
  const [, section = ""] = (await read("README.md")).split("\n## Express\n");
  const [, example] = /^```ts\n(.*?)^```$/ms.exec(section) ?? [];
  expect(example).toBe(await read("apps/hello-login/src/main.ts"));
});
