import { createHmac, timingSafeEqual } from "node:crypto";

/** Signs paths for a while, and checks them. */
export interface PathSigner {
  /** Adds an expiry and a signature to a path. */
  sign(path: string): string;
  /** Tells whether a path with its query was signed here and has not expired. */
  isValid(url: string): boolean;
}

/** Makes a signer with a key. A signed path is good for `lifetimeSeconds`. */
export function pathSigner(key: string, lifetimeSeconds: number): PathSigner {
  const signatureOf = (path: string, expires: string): string =>
    createHmac("sha256", key).update(`${path}\n${expires}`).digest("hex");

  return {
    sign(path) {
      const expires = String(Math.floor(Date.now() / 1000) + lifetimeSeconds);
      return `${path}?expires=${expires}&signature=${signatureOf(path, expires)}`;
    },
    isValid(url) {
      const [path = "", query = ""] = url.split(/\?(.*)/s);
      const parameters = new URLSearchParams(query);
      const expires = parameters.get("expires") ?? "";
      const given = Buffer.from(parameters.get("signature") ?? "");
      const expected = Buffer.from(signatureOf(path, expires));
      return (
        given.length === expected.length &&
        timingSafeEqual(given, expected) &&
        Number(expires) > Date.now() / 1000
      );
    },
  };
}
