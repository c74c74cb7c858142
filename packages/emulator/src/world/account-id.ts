import type { Seed } from "../base/seed.js";

/** Makes the identifier of an account, the same in every region: 24 hexadecimal digits. */
export function makeAccountId(seed: Seed, account: string): string {
  return seed.hex(`account/${account}`, 24);
}
