import { readMediaType } from "../message/media-type.js";
import type { RequestRecord } from "../message/request-record.js";

/** The longest form that an endpoint takes, in bytes. */
export const MAX_FORM_BYTES: number = 56 * 1024;

/** Tells whether a request says that its body is a form. */
export function isForm({ headers }: RequestRecord): boolean {
  return readMediaType(headers["content-type"]) === "application/x-www-form-urlencoded";
}

/** Tells whether a name occurs twice in parameters. */
export function hasRepeatedName(parameters: URLSearchParams): boolean {
  return new Set(parameters.keys()).size < parameters.size;
}
