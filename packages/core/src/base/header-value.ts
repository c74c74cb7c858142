/**
 * The headers of an answer: the platform's `Headers`, an object with a `get` like theirs, or a record with one value or
 * a list of values for each name, as in `node:http`, axios and undici.
 */
export type AnswerHeaders = { get(name: string): unknown } | Readonly<Record<string, unknown>>;

/**
 * Returns the value of one header, several values joined with commas, or undefined where the header is absent.
 *
 * @param headers {@link AnswerHeaders}. Any other value counts as having no headers.
 * @param name In lower case.
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
