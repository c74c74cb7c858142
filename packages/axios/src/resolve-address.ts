import { parseUrl } from "@talkdesk-oauth/core";
import { Axios, type InternalAxiosRequestConfig } from "axios";

/** Where a request goes. */
export interface Address {
  /** The options to send in place of the caller's. */
  readonly changes: Partial<InternalAxiosRequestConfig>;
  /** Undefined for an address that axios will refuse, and for a socket path. */
  readonly url: URL | undefined;
}

const addresses = new Axios({});

/** Tells where axios will send a request, and resolves a relative URL without a `baseURL` against `api`. */
export function resolveAddress(config: InternalAxiosRequestConfig, api: string): Address {
  if (config.socketPath) return { changes: {}, url: undefined };
  // axios accepts a `URL` object only where there is no baseURL.
  const url = String(config.url ?? "");
  const absolute = config.baseURL ? undefined : parseAbsolute(url);
  if (absolute !== undefined) return { changes: { url }, url: absolute };
  const baseURL = String(config.baseURL || api);
  return { changes: { url, baseURL }, url: combine(url, baseURL, config.allowAbsoluteUrls) };
}

function combine(url: string, baseURL: string, allowAbsoluteUrls: boolean | undefined): URL | undefined {
  // Most URLs are paths. This gives the same as the function of axios, in less time.
  if (/^\/(?!\/)/.test(url)) return parseAbsolute(baseURL.replace(/\/+$/, "") + url);
  const relative = { url, baseURL, ...(allowAbsoluteUrls !== undefined && { allowAbsoluteUrls }) };
  try {
    return parseAbsolute(addresses.getUri(relative));
  } catch {
    return undefined;
  }
}

function parseAbsolute(address: string): URL | undefined {
  // Parsing a path would fail, and the error takes more time than a URL.
  return address.startsWith("/") ? undefined : parseUrl(address);
}

/** Serialises the query now, so that later changes by the caller are not sent. */
export function snapshotQuery({
  params,
  paramsSerializer,
}: InternalAxiosRequestConfig): Partial<InternalAxiosRequestConfig> | undefined {
  if (!params) return undefined;
  try {
    const query = addresses
      .getUri({ url: "/", params, ...(paramsSerializer && { paramsSerializer }) })
      .slice("/?".length);
    return { paramsSerializer: { serialize: () => query } };
  } catch {
    // axios throws the same error when it sends the request.
    return undefined;
  }
}
