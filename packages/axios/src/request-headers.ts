import { AxiosHeaders, type InternalAxiosRequestConfig } from "axios";

const AUTHORIZATION = "authorization";

/** Makes headers that an adapter can change. */
export function copyHeaders(headers: InternalAxiosRequestConfig["headers"]): AxiosHeaders {
  return Object.assign(new AxiosHeaders(), AxiosHeaders.from(headers));
}

/**
 * Finds the name under which headers have an `Authorization`, in whatever case; it may have no value. The methods of
 * `AxiosHeaders` take several times as long.
 */
export function findAuthorization(headers: object): string | undefined {
  for (const name of Object.keys(headers)) {
    if (name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION) return name;
  }
  return undefined;
}

/** True for headers with an `Authorization` that has a value; `false`, by which axios keeps a header away, is one. */
export function hasAuthorization(headers: AxiosHeaders): boolean {
  const name = findAuthorization(headers);
  return name !== undefined && headers[name] !== undefined;
}
