import type { AxiosResponse } from "axios";

/**
 * How long an answer asks to wait, in milliseconds; undefined when it does not.
 *
 * The header `Retry-After` in seconds or as a date, else the entry `retry-after` of the `fields` in a Talkdesk error.
 */
export function retryAfterMs({ headers, data }: AxiosResponse): number | undefined {
  const said = String(headers["retry-after"] ?? fieldOf(data) ?? "").trim();
  if (/^\d{1,9}$/.test(said)) return Number(said) * 1000;
  const at = /^[A-Z][a-z]{2}, /.test(said) ? Date.parse(said) : Number.NaN;
  if (Number.isNaN(at)) return undefined;
  // Measured on the server's clock, so it does not matter whether this machine's is right.
  const sentAt = Date.parse(String(headers["date"] ?? ""));
  return Math.max(0, at - (Number.isNaN(sentAt) ? Date.now() : sentAt));
}

function fieldOf(data: unknown): unknown {
  const { fields } = Object(data) as { readonly fields?: unknown };
  if (!Array.isArray(fields)) return undefined;
  return fields.map(Object).find(({ name }) => String(name).toLowerCase() === "retry-after")?.description;
}
