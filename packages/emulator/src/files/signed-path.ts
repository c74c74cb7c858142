import { createHmac, timingSafeEqual } from "node:crypto";
import { splitUrl } from "../base/split-url.js";

/** Signs paths and checks signed ones. */
export interface PathSigner {
  /** Adds the end of its validity and a signature to a path. */
  sign(path: string): string;
  /** Tells whether a path with its query was signed here and is still valid. */
  isValid(url: string): boolean;
}

/** Makes a signer. A signed path is valid for `lifetimeSeconds`. */
export function makePathSigner(key: string, lifetimeSeconds: number): PathSigner {
  const computeSignature = (path: string, expires: string): string =>
    createHmac("sha256", key).update(`${path}\n${expires}`).digest("hex");

  return {
    sign(path) {
      const expires = String(Math.floor(Date.now() / 1000) + lifetimeSeconds);
      return `${path}?expires=${expires}&signature=${computeSignature(path, expires)}`;
    },
    isValid(url) {
      const { path, query } = splitUrl(url);
      const parameters = new URLSearchParams(query);
      const expires = parameters.get("expires") ?? "";
      const given = Buffer.from(parameters.get("signature") ?? "");
      const expected = Buffer.from(computeSignature(path, expires));
      return (
        given.length === expected.length &&
        timingSafeEqual(given, expected) &&
        Number(expires) > Date.now() / 1000
      );
    },
  };
}
