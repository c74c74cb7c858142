/** Formats a length of time for people: in seconds below two minutes, then in minutes. */
export function formatDuration(seconds: number): string {
  if (seconds < 120) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  return `${Math.round(seconds / 60)} minutes`;
}
