/**
 * How long an answer asks to wait, in milliseconds from now; undefined when it asks nothing that can be read.
 *
 * Seconds or a date in `Retry-After`; else the entry `retry-after` of the `fields` in Talkdesk's error envelope. A
 * date is measured against the answer's own `Date`, so a clock that is off here does not matter.
 *
 * @param now Epoch milliseconds, for a date in an answer without `Date`.
 * @see RFC 9110 §10.2.3
 * @internal
 */
export function retryAfterMs(headers: Headers, body: unknown, now: number): number | undefined {
  const said = headers.get("retry-after") ?? retryAfterField(body);
  if (said === undefined) return undefined;
  const text = said.trim();
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Math.ceil(Number(text) * 1000);
  // Date.parse takes much that is no HTTP date, such as "-5"; all forms of one begin with the day's name.
  const at = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) return undefined;
  const sentAt = Date.parse(headers.get("date") ?? "");
  return Math.max(0, at - (Number.isNaN(sentAt) ? now : sentAt));
}

/** Talkdesk's load shedding puts the wait into the body: `fields: [{ name: "retry-after", description: "5" }]`. */
function retryAfterField(body: unknown): string | undefined {
  const { fields } = Object(body) as { fields?: unknown };
  if (!Array.isArray(fields)) return undefined;
  for (const field of fields) {
    const { name, description } = Object(field) as { name?: unknown; description?: unknown };
    if (typeof name === "string" && name.toLowerCase() === "retry-after") {
      if (typeof description === "string" || typeof description === "number") return String(description);
    }
  }
  return undefined;
}
