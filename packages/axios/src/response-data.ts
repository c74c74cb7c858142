import type { Readable } from "node:stream";
import { discardBody, MAX_BUFFERED_BYTES } from "@talkdesk-oauth/core";

/** A stream of Node's, or `form-data`, which looks like one. */
export function isNodeStream(data: unknown): data is Readable {
  return typeof data === "object" && data !== null && "pipe" in data;
}

/** Reads a refused answer away when axios left that to its caller, so that its connection can be used again. */
export async function discardData(data: unknown): Promise<void> {
  if (data instanceof ReadableStream) return discardBody(data);
  if (!isNodeStream(data)) return;
  let size = 0;
  data.on("error", () => {});
  data.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_BUFFERED_BYTES) data.destroy();
  });
}
