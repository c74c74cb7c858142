import type { Laxity } from "../base/laxity.js";

/** The answer of a host to one request, before a fault changes how it is sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array | string>;
  /** For the log: what the request made use of. */
  readonly laxities?: readonly Laxity[];
  /** For the log: why the request was refused, in one line. It repeats nothing that is secret. */
  readonly refusal?: string;
}

/** Makes an answer with a JSON body. */
export function jsonAnswer(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  contentType = "application/json; charset=utf-8",
): Answer {
  return {
    status,
    headers: { "content-type": contentType, ...headers },
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
}

/**
 * Makes a refusal with a small HTML page. The title is not escaped, so it must not hold what a client sent.
 */
export function htmlRefusal(status: number, title: string): Answer {
  return {
    status,
    refusal: title,
    headers: { "content-type": "text/html; charset=utf-8" },
    body: new TextEncoder().encode(
      `<!doctype html>\n<html lang="en"><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`,
    ),
  };
}

/** Makes an answer without a body. */
export function emptyAnswer(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers };
}

/** Reads the whole body of an answer. */
export async function readWholeBody(answer: Answer): Promise<Uint8Array> {
  if (answer.body === undefined) return new Uint8Array();
  if (answer.body instanceof Uint8Array) return answer.body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks);
}
