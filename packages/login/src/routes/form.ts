/** Much more than a form with only `returnTo` needs. */
const MAX_FORM_BYTES = 16_384;

/**
 * Reads the fields of a form that was sent as `application/x-www-form-urlencoded`. Returns no fields for any other
 * body, and for one that is too long, breaks off, or has already been read.
 */
export async function readForm(request: Request): Promise<URLSearchParams> {
  const type = request.headers.get("Content-Type") ?? "";
  const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(type);
  if (!isForm || request.body === null || request.bodyUsed) return new URLSearchParams();
  try {
    return new URLSearchParams(await readText(request.body));
  } catch {
    return new URLSearchParams();
  }
}

async function readText(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    length += value.byteLength;
    if (length > MAX_FORM_BYTES) {
      await reader.cancel();
      return "";
    }
    text += decoder.decode(value, { stream: true });
  }
}
