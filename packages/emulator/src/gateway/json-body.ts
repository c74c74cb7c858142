import { isJson, readMediaType } from "../message/media-type.js";
import type { RequestRecord } from "../message/request-record.js";

/** Reads a body that is a JSON object. Gives undefined for any other body, and without a media type of JSON. */
export function readJsonObject(request: RequestRecord): Record<string, unknown> | undefined {
  if (!isJson(readMediaType(request.headers["content-type"]))) return undefined;
  try {
    const body: unknown = JSON.parse(request.text);
    return typeof body === "object" && body !== null && !Array.isArray(body)
      ? (body as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
