import type { RequestRecord } from "./request-record.js";

/** Reads a body that must be a JSON object; gives undefined when it is not, or is not sent as JSON. */
export function readJsonObject(request: RequestRecord): Record<string, unknown> | undefined {
  const mediaType = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!/^application\/(?:[\w.-]+\+)?json$/.test(mediaType)) return undefined;
  try {
    const body: unknown = JSON.parse(request.text);
    return typeof body === "object" && body !== null && !Array.isArray(body)
      ? (body as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
