const DEFAULT_MAX_LENGTH = 2000;

/**
 * Makes text from the network safe to print. Everything but printable ASCII is percent-encoded, so the text can neither
 * control a terminal nor begin a line of its own. It is cut after `maxLength` characters, 2000 by default.
 */
export function toPrintable(text: string, maxLength: number = DEFAULT_MAX_LENGTH): string {
  const isCut = text.length > maxLength;
  // encodeURIComponent throws on half a surrogate pair, which a round trip through UTF-8 replaces.
  const shown = Buffer.from(isCut ? text.slice(0, maxLength) : text).toString("utf8");
  return `${shown.replace(/[^\x20-\x7e]/gu, encodeURIComponent)}${isCut ? "..." : ""}`;
}
