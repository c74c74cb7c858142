import { type AnswerHeaders, readHeader } from "../base/header-value.js";

/** The longest wait that is believed, a day. A server that asks for more is broken, and timers cannot wait that long. */
const LONGEST_MS = 86_400_000;

/**
 * Reads how long an answer of the token endpoint or of the API asks to wait, in milliseconds from now and at most a day;
 * undefined when the answer asks for no wait that can be read.
 *
 * The wait is in `Retry-After`, as seconds or a date, or else in the entry `retry-after` of the `fields` in Talkdesk's
 * error envelope. A date is measured against the answer's own `Date`, so a clock that is off here does not matter. Of
 * several values, the longest counts.
 *
 * @param headers The answer's headers: the platform's `Headers`, or those of a client of Node, such as axios.
 * @param body The answer's JSON, parsed, where there is some.
 * @param now Epoch milliseconds, for a date in an answer without `Date`. Default: the present.
 * @example
 * const waitMs = retryAfterMs(response.headers) ?? 1_000;
 * @see RFC 9110 §10.2.3 and §5.6.7
 */
export function retryAfterMs(
  headers: AnswerHeaders,
  body?: unknown,
  now: number = Date.now(),
): number | undefined {
  const said = readHeader(headers, "retry-after") ?? readRetryAfterField(body);
  if (said === undefined) return undefined;
  const sentAt = Date.parse(readHeader(headers, "date") ?? "");
  // The comma after the name of a day is part of a date.
  const waits = said
    .split(/(?<!\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*),/)
    .map((one) => parseWaitMs(one.trim(), Number.isNaN(sentAt) ? now : sentAt))
    .filter((ms) => ms !== undefined);
  return waits.length === 0 ? undefined : Math.min(LONGEST_MS, Math.max(...waits));
}

function parseWaitMs(said: string, now: number): number | undefined {
  if (/^\d+(\.\d+)?$/.test(said)) return Math.ceil(Number(said) * 1000);
  // Date.parse accepts text such as "-5". All forms of an HTTP date begin with the name of a day.
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(said)) return undefined;
  // The oldest form of an HTTP date has no zone, and means GMT.
  const at = Date.parse(/ \d{4}$/.test(said) ? `${said} GMT` : said);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** When overloaded, Talkdesk puts the wait into the body: `fields: [{ name: "retry-after", description: "5" }]`. */
function readRetryAfterField(body: unknown): string | undefined {
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
