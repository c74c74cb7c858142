import { parseSecureUrl } from "@talkdesk-oauth/core";

/**
 * Parses a configured origin: https, or http on a loopback address.
 *
 * @param name The name of the setting, for the message.
 * @returns The origin as browsers write it.
 * @throws TypeError when the text is not such an origin.
 */
export function parseOrigin(name: string, origin: string): string {
  const url = parseSecureUrl(origin, name);
  if (url.href !== `${url.origin}/`) {
    throw new TypeError(
      `${name} must be an https origin without a path, such as https://portal.example.com (http is allowed on loopback addresses only).`,
    );
  }
  return url.origin;
}
