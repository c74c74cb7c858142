import { inspect } from "node:util";
import { splitUrl } from "../base/split-url.js";
import type { Answer } from "../message/answer.js";
import { API_ERROR_CODES, apiError } from "../message/api-error.js";
import { checkHeaders } from "../message/check-headers.js";
import { isJson, readMediaType } from "../message/media-type.js";
import type { RequestRecord } from "../message/request-record.js";
import type { ApiCall, ApiOperation } from "./api-operation.js";
import { readParameterNames } from "./check-operations.js";
import type { Operation, OperationAnswer, OperationCall } from "./own-operation.js";

/** As much as the log keeps of a body. */
const MAX_BODY_BYTES = 8 * 2 ** 20;

/** Stands for a body that says it is JSON, and is not. */
const MALFORMED = Symbol("malformed JSON");

/** Makes an operation of the gateways from one of the emulator's user. */
export function toApiOperation(operation: Operation): ApiOperation {
  const { method, path, scope } = operation;
  const names = readParameterNames(path);

  return {
    method,
    path: toPattern(path),
    ...(scope !== undefined && { scope }),
    maxBodyBytes: MAX_BODY_BYTES,
    async answer(call) {
      const body = readBody(call.request);
      if (body === MALFORMED) {
        return apiError(400, API_ERROR_CODES.malformedJson, "Invalid JSON in request body");
      }
      try {
        return toAnswer(await operation.answer(makeCall(call, names, body)));
      } catch (error) {
        return apiError(500, API_ERROR_CODES.operationFailed, "The operation failed", {
          description: `The operation ${method} ${path} could not answer: ${describeError(error)}`,
        });
      }
    },
  };
}

function toPattern(path: string): RegExp {
  const literals = path.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literals.join("([^/]+)")}$`);
}

function makeCall(
  { request, token, parameters, query }: ApiCall,
  names: readonly string[],
  body: unknown,
): OperationCall {
  const { account, region, clientId, scopes, userId } = token;

  return {
    method: request.method,
    path: splitUrl(request.url).path,
    params: Object.fromEntries(names.map((name, index) => [name, decode(parameters[index] ?? "")])),
    query,
    headers: request.headers,
    body,
    token: { account, region, clientId, scopes, userId },
  };
}

function readBody(request: RequestRecord): unknown {
  if (request.bodyBytes === 0) return undefined;
  const mediaType = readMediaType(request.headers["content-type"]);
  if (mediaType.startsWith("text/") || mediaType === "application/x-www-form-urlencoded") return request.text;
  if (!isJson(mediaType)) return request.body;
  try {
    return JSON.parse(request.text);
  } catch {
    return MALFORMED;
  }
}

function toAnswer(answer: OperationAnswer): Answer {
  const { status, headers = {}, body } = Object(answer) as OperationAnswer;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new TypeError("The answer must have a status from 200 to 599.");
  }
  checkHeaders("The headers", headers);
  if (body === undefined) return { status, headers };
  const [contentType, content] = toContent(body);
  const hasType = Object.keys(headers).some((name) => name.toLowerCase() === "content-type");
  return { status, headers: hasType ? headers : { "content-type": contentType, ...headers }, body: content };
}

function toContent(body: unknown): [contentType: string, NonNullable<Answer["body"]>] {
  if (typeof body === "string") return ["text/plain; charset=utf-8", new TextEncoder().encode(body)];
  if (body instanceof Uint8Array) return ["application/octet-stream", body];
  if (typeof body === "object" && body !== null && Symbol.asyncIterator in body) {
    return ["application/octet-stream", body as AsyncIterable<Uint8Array | string>];
  }
  const json = JSON.stringify(body);
  if (json === undefined) throw new TypeError("The body must be something that JSON can express.");
  return ["application/json", new TextEncoder().encode(json)];
}

function decode(parameter: string): string {
  try {
    return decodeURIComponent(parameter);
  } catch {
    return parameter;
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : inspect(error);
}
