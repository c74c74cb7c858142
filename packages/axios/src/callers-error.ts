import axios, { AxiosError, AxiosHeaders, type InternalAxiosRequestConfig, isAxiosError } from "axios";

const errorPrototypes = new WeakMap<object, object>();

/** Completes the error of a request for its caller: the errors of a route or an adapter may have no config. */
export function giveToCaller(error: unknown, config: InternalAxiosRequestConfig): void {
  if (isAxiosError(error) && !axios.isCancel(error)) error.config ??= config;
  convertToCallersError(error, config);
}

/**
 * Turns an error into one of the caller's copy of axios, where this package imports another copy, so that `instanceof`
 * works for the caller.
 */
export function convertToCallersError(error: unknown, config: InternalAxiosRequestConfig): void {
  if (config.headers instanceof AxiosHeaders || !(error instanceof AxiosError)) return;
  const prototype = findErrorPrototype(config);
  if (prototype === undefined) return;
  Object.setPrototypeOf(error, prototype);
  // Without this mark, the caller's axios rejects with a CanceledError of its own.
  if (config.signal?.aborted) delete (error as { __CANCEL__?: boolean }).__CANCEL__;
}

/** A config does not refer to the classes of its axios, but its default function that parses JSON throws one of them. */
function findErrorPrototype({ transformResponse }: InternalAxiosRequestConfig): object | undefined {
  const parse = [transformResponse ?? []].flat().find(({ name }) => name === "transformResponse");
  if (parse === undefined) return undefined;
  let prototype = errorPrototypes.get(parse);
  if (prototype === undefined) {
    try {
      const strict = { responseType: "json", transitional: { silentJSONParsing: false } };
      Reflect.apply(parse, strict, ["{"]);
    } catch (error) {
      if (!isAxiosError(error)) return undefined;
      prototype = Object.getPrototypeOf(error) as object;
      errorPrototypes.set(parse, prototype);
    }
  }
  return prototype;
}
