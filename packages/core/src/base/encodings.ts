// Without regular expressions: what passes through may be a secret, and `RegExp.input` keeps the last text that matched.

/**
 * The Base64 of the UTF-8 bytes of `text`, in one line.
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

/** One character for each byte, as `btoa` takes it. Not by spreading, which overflows the stack for long arrays. */
function binaryOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/**
 * The bytes of Base64 or Base64url, with or without padding; undefined for text that is neither.
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
 * Base64 without the padding at its end.
 * @internal
 */
export const stripPadding = (base64: string): string => base64.replaceAll("=", "");

/**
 * One value in the form `application/x-www-form-urlencoded`.
 * @see WHATWG URL §5.2
 * @internal
 */
export function encodeForm(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

/**
 * Reverses {@link encodeForm}.
 * @internal
 */
export function decodeForm(value: string): string {
  return new URLSearchParams(`v=${value.replaceAll("&", "%26")}`).get("v") ?? "";
}

/**
 * A big-endian number without the zero bytes at its beginning.
 * @internal
 */
export function trimLeadingZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? new Uint8Array() : bytes.subarray(first);
}
