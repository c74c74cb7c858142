/**
 * The body of an answer, or undefined when it is larger than `maxBytes`: it is read no further than that.
 * @internal
 */
export async function boundedBody(response: Response, maxBytes: number): Promise<Uint8Array | undefined> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const read = await reader?.read();
    if (read === undefined || read.done) break;
    chunks.push(read.value);
    size += read.value.byteLength;
    if (size > maxBytes) {
      await reader?.cancel();
      return undefined;
    }
  }
  const body = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return body;
}
