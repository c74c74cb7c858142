/**
 * The headers of an answer: the platform's `Headers`, an object with a `get` like theirs, or a record with one value or
 * a list of values for each name, as in `node:http`, axios and undici.
 */
export type AnswerHeaders = { get(name: string): unknown } | Readonly<Record<string, unknown>>;

/**
 * The value of one header, its values joined with commas where there are several; undefined where there is none.
 * @param headers As {@link AnswerHeaders}. Anything else has no headers.
 * @internal
 */
export function readHeader(headers: unknown, name: string): string | undefined {
  const { get } = Object(headers) as Partial<Headers>;
  const value: unknown =
    typeof get === "function"
      ? get.call(headers, name)
      : Object.entries(Object(headers)).find(([key]) => key.toLowerCase() === name)?.[1];
  return value === undefined || value === null ? undefined : String(value);
}
