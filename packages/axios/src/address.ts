import { Axios, type InternalAxiosRequestConfig } from "axios";

/** A request whose address is complete. */
export interface Addressed {
  /** What to send in the place of the caller's. */
  readonly changes: Partial<InternalAxiosRequestConfig>;
  /** Where that goes; undefined when axios will say that it is no address, and when it goes to a socket path. */
  readonly url: URL | undefined;
}

const addresses = new Axios({});

/** Resolves a relative URL that has no `baseURL` against `api`, and tells where axios will send the request. */
export function addressed(config: InternalAxiosRequestConfig, api: string): Addressed {
  if (config.socketPath) return { changes: {}, url: undefined };
  // A `URL` is one too, which axios itself takes where there is no baseURL.
  const url = String(config.url ?? "");
  const absolute = config.baseURL ? undefined : parsed(url);
  if (absolute !== undefined) return { changes: { url }, url: absolute };
  const baseURL = String(config.baseURL || api);
  return { changes: { url, baseURL }, url: combined(url, baseURL, config.allowAbsoluteUrls) };
}

function combined(url: string, baseURL: string, allowAbsoluteUrls: boolean | undefined): URL | undefined {
  // What axios makes of a path, which most URLs are, without the time that its own function takes.
  if (/^\/(?!\/)/.test(url)) return parsed(baseURL.replace(/\/+$/, "") + url);
  const relative = { url, baseURL, ...(allowAbsoluteUrls !== undefined && { allowAbsoluteUrls }) };
  try {
    return parsed(addresses.getUri(relative));
  } catch {
    return undefined;
  }
}

function parsed(address: string): URL | undefined {
  // An error costs more than a URL.
  if (address.startsWith("/")) return undefined;
  try {
    return new URL(address);
  } catch {
    return undefined;
  }
}

/** The query as it is now, so that what the caller changes later is not sent. */
export function queryOf({
  params,
  paramsSerializer,
}: InternalAxiosRequestConfig): Partial<InternalAxiosRequestConfig> {
  if (!params) return {};
  try {
    const query = addresses
      .getUri({ url: "/", params, ...(paramsSerializer && { paramsSerializer }) })
      .slice("/?".length);
    return { paramsSerializer: { serialize: () => query } };
  } catch {
    // axios says so when it sends.
    return {};
  }
}
