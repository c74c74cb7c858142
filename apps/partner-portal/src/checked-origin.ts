import { parseSecureUrl } from "@talkdesk-oauth/core";

/**
 * Reads an origin that is configured: https, or http on this machine alone.
 *
 * @param name What it is called where it was given.
 * @throws TypeError when it is something else.
 */
export function checkedOrigin(name: string, origin: string): string {
  const url = parseSecureUrl(origin, name);
  if (url.href !== `${url.origin}/`) {
    throw new TypeError(
      `${name} must be an https origin without a path, such as https://portal.example.com; http is for this machine alone.`,
    );
  }
  return url.origin;
}
