/** The Talkdesk regions that the emulator serves. */
export type Region = "us" | "eu" | "ca" | "au";

/** Every region, in the order in which the gateways take their ports. */
export const regions: readonly Region[] = Object.freeze(["us", "eu", "ca", "au"]);

/** Tells whether a value names a region. */
export function isRegion(value: unknown): value is Region {
  return regions.includes(value as Region);
}

/**
 * Checks a region that a caller named.
 *
 * @throws TypeError when it is not one of {@link regions}.
 */
export function checkRegion(value: unknown): Region {
  if (!isRegion(value)) throw new TypeError(`region must be one of ${regions.join(", ")}`);
  return value;
}
