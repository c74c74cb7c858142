import { type Answer, emptyAnswer, jsonAnswer } from "../message/answer.js";
import { apiError, apiErrorCodes } from "../message/api-error.js";
import type { RequestRecord } from "../message/request-record.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";

/** Operations that the real service has not: any method on `/echo`, and `GET /large`. Any scope will do. */
export const echoOperations: readonly ApiOperation[] = [
  { method: "ANY", path: /^\/echo$/, maximumBodyBytes: Number.POSITIVE_INFINITY, answer: echo },
  { method: "GET", path: /^\/large$/, answer: sendLargeBody },
];

const maximumTextBytes = 64 * 1024;
const chunkBytes = 64 * 1024;

/** Says what was received; `?status=` chooses the status. */
function echo({ request, query }: ApiCall): Answer {
  const status = query.get("status") ?? "200";
  if (!/^[2-5]\d\d$/.test(status)) return invalid("status", "An integer from 200 to 599.");
  if (status === "204" || status === "304") return emptyAnswer(Number(status));
  const { authorization: _omitted, ...headers } = request.headers;
  const text = textOf(request);
  return jsonAnswer(Number(status), {
    method: request.method,
    path: request.url,
    headers,
    bodyBytes: request.bodyBytes,
    bodySha256: request.bodySha256,
    ...(text !== undefined && { text }),
  });
}

/** Sends `?bytes=` bytes, as a stream. */
function sendLargeBody({ query }: ApiCall): Answer {
  const bytes = query.get("bytes") ?? "";
  if (!/^\d{1,12}$/.test(bytes)) return invalid("bytes", "The length of the body.");
  return {
    status: 200,
    headers: { "content-type": "application/octet-stream", "content-length": String(Number(bytes)) },
    body: letters(Number(bytes)),
  };
}

async function* letters(bytes: number): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(chunkBytes).map((_, index) => 97 + (index % 26));
  for (let sent = 0; sent < bytes; sent += chunkBytes)
    yield chunk.subarray(0, Math.min(chunkBytes, bytes - sent));
}

function textOf({ body, bodyBytes }: RequestRecord): string | undefined {
  // Where there was no room for it, nothing is known of its text.
  if (bodyBytes > maximumTextBytes || body.length < bodyBytes) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

function invalid(name: string, description: string): Answer {
  return apiError(400, apiErrorCodes.invalidRequest, "Invalid request", { fields: [{ name, description }] });
}
