import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";

/** A form sent to the engine. */
export interface EngineRequest {
  readonly path: string;
  readonly authorization: string;
  readonly form: URLSearchParams;
}

/** What the engine said. */
export interface EngineResponse {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/**
 * Has the engine handle one request, without a socket in between: the emulator reads and writes the wire itself, to
 * be able to log it and to break it.
 */
export function exchangeWithEngine(
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
