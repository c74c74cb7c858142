import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";

/** A form for the engine. */
export interface EngineRequest {
  readonly path: string;
  readonly authorization: string;
  readonly form: URLSearchParams;
}

/** The answer of the engine. */
export interface EngineResponse {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/**
 * Lets the engine handle one request without a socket. The emulator reads and writes its sockets itself, because it logs
 * requests and breaks answers.
 */
export function callEngine(
  callback: (request: IncomingMessage, response: ServerResponse) => unknown,
  { path, authorization, form }: EngineRequest,
  host: string,
): Promise<EngineResponse> {
  const body = Buffer.from(form.toString());
  const request = new IncomingMessage(new Socket());
  request.method = "POST";
  request.url = path;
  request.headers = {
    host,
    authorization,
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
    "content-length": String(body.length),
  };
  request.push(body);
  request.push(null);

  return new Promise((resolve, reject) => {
    const response = new ServerResponse(request);
    response.end = ((chunk?: string | Uint8Array) => {
      try {
        const text = chunk === undefined ? "{}" : Buffer.from(chunk as Uint8Array).toString("utf8");
        resolve({ status: response.statusCode, body: JSON.parse(text) as Record<string, unknown> });
      } catch (error) {
        reject(error);
      }
      return response;
    }) as ServerResponse["end"];
    Promise.resolve(callback(request, response)).catch(reject);
  });
}
