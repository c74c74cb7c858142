/** A Talkdesk region that the emulator serves. */
export type Region = "us" | "eu" | "ca" | "au";

/** The name of each region in introspection answers. The gateways take their ports in this order. */
export const CLOUD_REGIONS: Readonly<Record<Region, string>> = Object.freeze({
  us: "us-west-1",
  eu: "eu-west-1",
  ca: "ca-central-1",
  au: "ap-southeast-2",
});

/** Every region, in the order of {@link CLOUD_REGIONS}. */
export const REGIONS: readonly Region[] = Object.freeze(Object.keys(CLOUD_REGIONS) as Region[]);

/** Tells whether a value names a region. */
export function isRegion(value: unknown): value is Region {
  return REGIONS.includes(value as Region);
}

/**
 * Checks a region that the user of the emulator gave.
 *
 * @param name What the value is called in the message.
 * @throws TypeError when it is not one of {@link REGIONS}.
 */
export function checkRegion(value: unknown, name = "region"): asserts value is Region {
  if (!isRegion(value)) throw new TypeError(`${name} must be one of ${REGIONS.join(", ")}.`);
}
