import { errorMonitor } from "node:events";
import { finished, Readable } from "node:stream";
import { type AxiosError, type AxiosResponse, type InternalAxiosRequestConfig, isAxiosError } from "axios";
import { convertToCallersError } from "./callers-error.js";

const CONNECTIONS = ["httpAgent", "httpsAgent", "fetchOptions"] as const;

/** The options of a request that lead to connections, and so to the headers that were sent on them. */
export type Connections = Partial<Pick<InternalAxiosRequestConfig, (typeof CONNECTIONS)[number]>>;

/** Reads these options from a config; those that it lacks, from `earlier`. */
export function readConnections(config: InternalAxiosRequestConfig, earlier: Connections = {}): Connections {
  const connections: Connections = {};
  for (const name of CONNECTIONS) {
    const value: unknown = name in config ? config[name] : earlier[name];
    if (value && (name !== "fetchOptions" || "dispatcher" in (value as object))) {
      connections[name] = value as never;
    }
  }
  return connections;
}

/** Keeps connections out of what is printed, copied and merged. They can still be read by name. */
export function hideConnections(config: InternalAxiosRequestConfig, connections: Connections): void {
  for (const name in connections) {
    const value = connections[name as keyof Connections];
    Object.defineProperty(config, name, {
      get: () => value,
      set(later) {
        Object.defineProperty(this, name, { value: later, writable: true, enumerable: true });
      },
      enumerable: false,
      configurable: true,
    });
  }
}

/** Removes the token from an error: it gets the caller's config and loses the request that the adapter made. */
export function removeTokenFromError(error: AxiosError, config: InternalAxiosRequestConfig): void {
  delete error.request;
  // The reason of a CancelToken has no config, and several requests share it.
  if (error.config !== undefined) error.config = config;
  const { cause, response } = error;
  if (isAxiosError(cause) && cause !== error) removeTokenFromError(cause, config);
  if (response !== undefined && response.config !== config) removeTokenFromResponse(response, config);
  delete response?.request;
}

/** Removes the token from a response, and keeps where a redirect has led, which callers read in `request`. */
export function removeTokenFromResponse(response: AxiosResponse, config: InternalAxiosRequestConfig): void {
  response.config = config;
  const { res, responseURL } = Object(response.request);
  if (res?.responseUrl !== undefined) response.request = { res: { responseUrl: res.responseUrl } };
  else if (responseURL !== undefined) response.request = { responseURL };
  else delete response.request;
  response.data = guardStream(response.data, config);
}

/** Removes the token from the error with which a streamed body may still fail. Other data comes back as it is. */
function guardStream(data: unknown, config: InternalAxiosRequestConfig): unknown {
  const clean = (error: unknown): void => {
    if (!isAxiosError(error)) return;
    removeTokenFromError(error, config);
    convertToCallersError(error, config);
  };
  if (isNodeStream(data)) {
    data.on(errorMonitor, clean);
    // An IncomingMessage or HTTP/2 stream leads to the request and its connection.
    return "socket" in data || "session" in data ? detachStream(data) : data;
  }
  // Only the error for `maxContentLength` refers to the request.
  if (!(data instanceof ReadableStream) || (config.maxContentLength ?? -1) < 0) return data;
  return ReadableStream.from(
    (async function* () {
      try {
        yield* data;
      } catch (error) {
        clean(error);
        throw error;
      }
    })(),
  );
}

/** Makes a stream of the same bytes that does not lead to the given one. */
function detachStream(source: Readable): Readable {
  const stream = new Readable({
    read: () => void source.resume(),
    destroy(error, done) {
      source.destroy();
      done(error);
    },
  });
  source.pause();
  source.on("data", (chunk) => {
    if (!stream.push(chunk)) source.pause();
  });
  finished(source, { writable: false }, (error) => void (error ? stream.destroy(error) : stream.push(null)));
  // axios listens to the original in the same way, so that an error without a listener does not end the process.
  return stream.on("error", () => {});
}

/** True for a stream of Node's, and for an object with its methods. */
function isNodeStream(data: unknown): data is Readable {
  return typeof data === "object" && data !== null && "pipe" in data;
}
