/** What opaque tokens and codes begin with, so that nobody takes them for real ones. Signed tokens have a claim instead. */
const fakeMark = "fake_";

/** Has a source of identifiers mark each as fake. */
export function markedAsFake(next: () => string): () => string {
  return () => `${fakeMark}${next()}`;
}
