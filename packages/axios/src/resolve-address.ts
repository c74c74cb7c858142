import { type Origin, parseUrl, type TokenDestination } from "@talkdesk-oauth/core";
import { Axios, type InternalAxiosRequestConfig } from "axios";

/** Where a request goes. */
export interface Address {
  /** The options to send in place of the caller's. */
  readonly changes: Partial<InternalAxiosRequestConfig>;
  /** The URL without `params`. Undefined where axios cannot put it together, and for a socket path. */
  readonly href: string | undefined;
}

const addresses = new Axios({});

/** Tells where axios will send a request, and resolves a relative URL without a `baseURL` against `api`. */
export function resolveAddress(config: InternalAxiosRequestConfig, api: string): Address {
  if (config.socketPath) return { changes: {}, href: undefined };
  // axios accepts a `URL` object only where there is no baseURL.
  const url = String(config.url ?? "");
  if (!config.baseURL && isAbsolute(url)) return { changes: { url }, href: url };
  const baseURL = String(config.baseURL || api);
  return { changes: { url, baseURL }, href: combine(url, baseURL, config.allowAbsoluteUrls) };
}

/** Finds the origin of an address that may have a token. Most addresses need not be parsed for that. */
export function findOrigin(href: string | undefined, mayHaveToken: TokenDestination): Origin | undefined {
  if (href === undefined) return undefined;
  const known = mayHaveToken.recognize(href);
  if (known !== undefined) return known;
  const url = parseAbsolute(href);
  return url !== undefined && mayHaveToken(url) ? url : undefined;
}

function combine(url: string, baseURL: string, allowAbsoluteUrls: boolean | undefined): string | undefined {
  // Most URLs are paths. This gives the same as the function of axios, in less time.
  if (/^\/(?!\/)/.test(url)) return baseURL.replace(/\/+$/, "") + url;
  const relative = { url, baseURL, ...(allowAbsoluteUrls !== undefined && { allowAbsoluteUrls }) };
  try {
    return addresses.getUri(relative);
  } catch {
    return undefined;
  }
}

function isAbsolute(url: string): boolean {
  return /^https?:\/\//i.test(url) || parseAbsolute(url) !== undefined;
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
