import type { Region } from "@talkdesk-oauth/core";

const EVERY_REGION: Readonly<Record<Region, true>> = { us: true, eu: true, ca: true, au: true };

/** Every region. The compiler demands that a new one is added here. */
export const REGIONS: readonly Region[] = Object.keys(EVERY_REGION) as Region[];
