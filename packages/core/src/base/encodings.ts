// No regular expressions here: the text may be a secret, and `RegExp.input` keeps the last text that matched.

/**
 * Encodes the UTF-8 bytes of `text` in Base64, in one line.
 * @internal
 */
export function encodeBase64(text: string): string {
  return btoa(binaryOf(new TextEncoder().encode(text)));
}

/**
 * Encodes bytes in Base64url, without padding: characters that may stand in a URL, a cookie or a file name.
 *
 * @example
 * const id = encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));
 * @see RFC 4648 §5
 */
export function encodeBase64url(bytes: Uint8Array): string {
  return stripPadding(btoa(binaryOf(bytes)).replaceAll("+", "-").replaceAll("/", "_"));
}

/** Returns one character for each byte, as `btoa` takes them. Spreading a long array would overflow the stack. */
function binaryOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/**
 * Decodes Base64 or Base64url, with or without padding. Returns undefined for text that is neither.
 * @internal
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/**
 * Removes the padding from Base64.
 * @internal
 */
export const stripPadding = (base64: string): string => base64.replaceAll("=", "");

/**
 * Encodes one value as `application/x-www-form-urlencoded`.
 * @see WHATWG URL §5.2
 * @internal
 */
export function encodeForm(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

/**
 * Decodes what {@link encodeForm} encodes.
 * @internal
 */
export function decodeForm(value: string): string {
  return new URLSearchParams(`v=${value.replaceAll("&", "%26")}`).get("v") ?? "";
}

/**
 * Removes the zero bytes at the beginning of a big-endian number.
 * @internal
 */
export function trimLeadingZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? new Uint8Array() : bytes.subarray(first);
}
