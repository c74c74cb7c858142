import { errorMonitor } from "node:events";
import { finished, Readable } from "node:stream";
import { type AxiosError, type AxiosResponse, type InternalAxiosRequestConfig, isAxiosError } from "axios";
import { becomeCallersError } from "./callers-axios.js";

const CONNECTIONS = ["httpAgent", "httpsAgent", "fetchOptions"] as const;

/** The options of a request that lead to connections, and these to what was sent on them. */
export type Connections = Partial<Pick<InternalAxiosRequestConfig, (typeof CONNECTIONS)[number]>>;

/** Those of a config, else those that it had earlier. */
export function connectionsOf(config: InternalAxiosRequestConfig, earlier: Connections = {}): Connections {
  const connections: Connections = {};
  for (const name of CONNECTIONS) {
    const value: unknown = name in config ? config[name] : earlier[name];
    if (value && (name !== "fetchOptions" || "dispatcher" in (value as object))) {
      connections[name] = value as never;
    }
  }
  return connections;
}

/** Keeps connections out of what is printed, copied and merged; they can still be read by name. */
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

/** Takes from an error what shows the token: the config that was sent, and the request that the adapter made of it. */
export function errorWithoutToken(error: AxiosError, config: InternalAxiosRequestConfig): void {
  delete error.request;
  // The reason of a CancelToken has none, and is shared by all that wait for it.
  if (error.config !== undefined) error.config = config;
  const { cause, response } = error;
  if (isAxiosError(cause) && cause !== error) errorWithoutToken(cause, config);
  if (response !== undefined && response.config !== config) responseWithoutToken(response, config);
  delete response?.request;
}

/** The same for a response, of which people read where a redirect has led. */
export function responseWithoutToken(response: AxiosResponse, config: InternalAxiosRequestConfig): void {
  response.config = config;
  const { res, responseURL } = Object(response.request);
  if (res?.responseUrl !== undefined) response.request = { res: { responseUrl: res.responseUrl } };
  else if (responseURL !== undefined) response.request = { responseURL };
  else delete response.request;
  response.data = dataWithoutToken(response.data, config);
}

/** What is read as a stream may still fail, with an error like those above. */
function dataWithoutToken(data: unknown, config: InternalAxiosRequestConfig): unknown {
  const clean = (error: unknown): void => {
    if (!isAxiosError(error)) return;
    errorWithoutToken(error, config);
    becomeCallersError(error, config);
  };
  if (isNodeStream(data)) {
    data.on(errorMonitor, clean);
    // What Node's clients read from leads to the request, and to its connection.
    return "socket" in data || "session" in data ? detached(data) : data;
  }
  // Its other errors do not know the request.
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

/** What a stream brings, on one that does not lead to it. */
function detached(source: Readable): Readable {
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
  // axios listens to its own too, so that a failure which nobody waits for ends no process.
  return stream.on("error", () => {});
}

/** A stream of Node's, or one that looks like it. */
function isNodeStream(data: unknown): data is Readable {
  return typeof data === "object" && data !== null && "pipe" in data;
}
