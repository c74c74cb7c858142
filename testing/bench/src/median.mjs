/** The middle one of some numbers, or the larger of two in the middle. */
export function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
