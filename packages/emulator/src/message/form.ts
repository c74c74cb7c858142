/** How long the form of a request may be. */
export const maximumFormBytes: number = 56 * 1024;

/** Tells whether parameters hold one of their names twice. */
export function hasRepeatedName(parameters: URLSearchParams): boolean {
  return new Set(parameters.keys()).size < parameters.size;
}
