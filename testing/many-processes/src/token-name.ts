import { createHash } from "node:crypto";

/** Names a token in a log by a hash, so that no log holds a token. */
export const tokenName = (token: string): string =>
  createHash("sha256").update(token).digest("hex").slice(0, 16);
