const longestText = 2000;

/**
 * Makes a text that came over the network safe to print: whatever is not printable ASCII is percent-encoded, so that it
 * can neither control a terminal nor begin a line of its own. What goes beyond 2000 characters is cut.
 */
export function printableText(text: string, longest: number = longestText): string {
  const isCut = text.length > longest;
  // By way of UTF-8, since half a surrogate pair cannot be encoded.
  const shown = Buffer.from(isCut ? text.slice(0, longest) : text).toString("utf8");
  return `${shown.replace(/[^\x20-\x7e]/gu, encodeURIComponent)}${isCut ? "..." : ""}`;
}
