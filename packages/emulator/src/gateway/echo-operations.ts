import { type Answer, emptyAnswer, jsonAnswer } from "../message/answer.js";
import { API_ERROR_CODES, apiError } from "../message/api-error.js";
import type { RequestRecord } from "../message/request-record.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";

/** Operations of the emulator alone: any method on `/echo`, and `GET /large`. They need no scope. */
export const ECHO_OPERATIONS: readonly ApiOperation[] = [
  { method: "ANY", path: /^\/echo$/, maxBodyBytes: Number.POSITIVE_INFINITY, answer: echo },
  { method: "GET", path: /^\/large$/, answer: sendLargeBody },
];

const MAX_TEXT_BYTES = 64 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** Answers with a description of the request. `?status=` chooses the status. */
function echo({ request, query }: ApiCall): Answer {
  const status = query.get("status") ?? "200";
  if (!/^[2-5]\d\d$/.test(status)) return invalidParameter("status", "Must be an integer from 200 to 599.");
  if (status === "204" || status === "304") return emptyAnswer(Number(status));
  const { authorization: _omitted, ...headers } = request.headers;
  const text = readText(request);
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
  if (!/^\d{1,12}$/.test(bytes))
    return invalidParameter("bytes", "Must be a number of bytes, of 12 digits at most.");
  return {
    status: 200,
    headers: { "content-type": "application/octet-stream", "content-length": String(Number(bytes)) },
    body: generateLetters(Number(bytes)),
  };
}

async function* generateLetters(bytes: number): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(CHUNK_BYTES).map((_, index) => 97 + (index % 26));
  for (let sent = 0; sent < bytes; sent += CHUNK_BYTES)
    yield chunk.subarray(0, Math.min(CHUNK_BYTES, bytes - sent));
}

function readText({ body, bodyBytes }: RequestRecord): string | undefined {
  // A body that was not kept whole has no text to show.
  if (bodyBytes > MAX_TEXT_BYTES || body.length < bodyBytes) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

function invalidParameter(name: string, description: string): Answer {
  return apiError(400, API_ERROR_CODES.invalidRequest, "Invalid request", {
    fields: [{ name, description }],
  });
}
