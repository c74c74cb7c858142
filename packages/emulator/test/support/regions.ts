import type { Region } from "./package-under-test.js";

const EVERY_REGION: Readonly<Record<Region, true>> = { us: true, eu: true, ca: true, au: true };

/** Every region, in the order of the gateways' ports. The compiler demands that a new one is added here. */
export const REGIONS: readonly Region[] = Object.keys(EVERY_REGION) as Region[];
