/** The two halves of an HTTP Basic header. */
export interface BasicCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/**
 * Reads HTTP Basic credentials as Talkdesk takes them: one space, canonical Base64 of UTF-8, and no percent-decoding.
 * Gives undefined for any other header.
 *
 * @see RFC 7617 §2
 */
export function readBasicCredentials(header: string | undefined): BasicCredentials | undefined {
  const [, encoded] = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? "") ?? [];
  if (encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, "base64");
  if (bytes.toString("base64") !== encoded) return undefined;
  const pair = decodeUtf8(bytes);
  const colon = pair?.indexOf(":") ?? -1;
  if (pair === undefined || colon < 1) return undefined;
  return { clientId: pair.slice(0, colon), clientSecret: pair.slice(colon + 1) };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
