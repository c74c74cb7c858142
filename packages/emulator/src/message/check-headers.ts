import { validateHeaderName, validateHeaderValue } from "node:http";

/**
 * Checks the headers of an answer that the user of the emulator wrote.
 *
 * @param name What the headers are called in the message.
 * @throws TypeError when they are not strings or lists of strings, or cannot be sent.
 */
export function checkHeaders(name: string, headers: unknown): void {
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw new TypeError(`${name} must be an object.`);
  }
  for (const [header, content] of Object.entries(headers)) {
    validateHeaderName(header);
    for (const item of Array.isArray(content) ? content : [content]) {
      if (typeof item !== "string") {
        throw new TypeError(`${name} must hold strings only; ${header} is something else.`);
      }
      validateHeaderValue(header, item);
    }
  }
}
