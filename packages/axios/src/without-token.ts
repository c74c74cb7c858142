import { errorMonitor } from "node:events";
import { PassThrough, pipeline } from "node:stream";
import { type AxiosError, type AxiosResponse, type InternalAxiosRequestConfig, isAxiosError } from "axios";
import { isNodeStream } from "./response-data.js";

const AGENTS = ["httpAgent", "httpsAgent"] as const;

/** An agent leads to its sockets, and they to what was sent: there for whoever sends again, not for who prints. */
export function withHiddenAgents(config: InternalAxiosRequestConfig): InternalAxiosRequestConfig {
  const shown = { ...config };
  for (const name of AGENTS) {
    if (name in shown) Object.defineProperty(shown, name, { enumerable: false });
  }
  return shown;
}

/** A config with the agents of another, where they came back hidden: axios loses those when it merges its defaults. */
export function withAgentsOf(
  config: InternalAxiosRequestConfig,
  given: InternalAxiosRequestConfig,
): InternalAxiosRequestConfig {
  const lost = AGENTS.filter((name) => name in config && !(name in given));
  if (lost.length === 0) return given;
  return { ...Object.fromEntries(lost.map((name) => [name, config[name]])), ...given };
}

/** Takes from an error what shows the token: the config that was sent, and the request that the adapter made of it. */
export function errorWithoutToken(error: AxiosError, config: InternalAxiosRequestConfig): void {
  delete error.request;
  // The reason of a CancelToken has none, and is shared by all that wait for it.
  if (error.config !== undefined) error.config = config;
  const { cause, response } = error;
  // Up to axios 1.12, the adapter `fetch` wraps one error of axios in another, with the same response.
  if (isAxiosError(cause) && cause !== error) errorWithoutToken(cause, config);
  if (response === undefined || response.config === config) return;
  response.config = config;
  delete response.request;
  response.data = dataWithoutToken(response.data, config);
  // A stream of Node's `http` leads to its request.
  if (isNodeStream(response.data)) {
    response.data = pipeline(response.data, new PassThrough(), () => {});
  }
}

/** The same for a response, of which people read where a redirect has led. */
export function responseWithoutToken(response: AxiosResponse, config: InternalAxiosRequestConfig): void {
  response.config = config;
  const responseUrl: unknown = response.request?.res?.responseUrl;
  if (responseUrl === undefined) delete response.request;
  else response.request = { res: { responseUrl } };
  response.data = dataWithoutToken(response.data, config);
}

/** What is read as a stream may still fail, with an error like those above. */
function dataWithoutToken(data: unknown, config: InternalAxiosRequestConfig): unknown {
  const clean = (error: unknown): void => {
    if (isAxiosError(error)) errorWithoutToken(error, withHiddenAgents(config));
  };
  if (isNodeStream(data)) return data.on(errorMonitor, clean);
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
