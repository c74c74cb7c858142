import { AxiosError, AxiosHeaders, type InternalAxiosRequestConfig, isAxiosError } from "axios";

const errorPrototypes = new WeakMap<object, object>();

/**
 * Makes an error one of the copy of axios that the caller uses, where that is not ours: `instanceof` then says what the
 * caller expects.
 */
export function becomeCallersError(error: unknown, config: InternalAxiosRequestConfig): void {
  if (config.headers instanceof AxiosHeaders || !(error instanceof AxiosError)) return;
  const prototype = errorPrototypeOf(config);
  if (prototype === undefined) return;
  Object.setPrototypeOf(error, prototype);
  // The caller's axios then rejects with a CanceledError of its own.
  if (config.signal?.aborted) delete (error as { __CANCEL__?: boolean }).__CANCEL__;
}

/** No config leads to the class of its axios, but the function that parses JSON by default throws one. */
function errorPrototypeOf({ transformResponse }: InternalAxiosRequestConfig): object | undefined {
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
