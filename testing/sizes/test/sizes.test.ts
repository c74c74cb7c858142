import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { measureSizes, SIZES_FILE, type Sizes } from "../src/sizes.mjs";

/** Versions of zlib differ by less than this. */
const TOLERANCE = 0.01;

/** The text of a README or a small change may differ by so many bytes, which is more than the share of a small file. */
const LEAST_TOLERANCE = 256;

/** Every number, by the names that lead to it. */
const list = (sizes: Sizes): Map<string, number> =>
  new Map(
    Object.entries(sizes).flatMap(([kind, measures]) =>
      Object.entries(measures).flatMap(([what, numbers]) =>
        Object.entries(numbers).map(([how, bytes]): [string, number] => [`${kind}, ${what}, ${how}`, bytes]),
      ),
    ),
  );

it("the sizes are those of sizes.json; `npm run sizes` builds the packages and writes it", async () => {
  const recorded = list(JSON.parse(readFileSync(SIZES_FILE, "utf8")) as Sizes);
  const measured = list(await measureSizes());
  expect([...measured.keys()]).toEqual([...recorded.keys()]);
  const changed = [...measured].flatMap(([name, bytes]) => {
    const was = recorded.get(name) ?? 0;
    const isSame = Math.abs(bytes - was) <= Math.max(LEAST_TOLERANCE, was * TOLERANCE);
    return isSame ? [] : [`${name}: ${was} → ${bytes}`];
  });
  expect(changed).toEqual([]);
});
