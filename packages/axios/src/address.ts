import { Axios, type InternalAxiosRequestConfig } from "axios";

/** A request whose address is complete. */
export interface Addressed {
  /** What to send in the place of the caller's. */
  readonly changes: Partial<InternalAxiosRequestConfig>;
  /** Where that goes; undefined when it is no address, which axios then says. */
  readonly url: URL | undefined;
}

const addresses = new Axios({});

/** Resolves a relative URL that has no `baseURL` against `api`, and tells where axios will send the request. */
export function addressed(config: InternalAxiosRequestConfig, api: string): Addressed {
  const { url = "", allowAbsoluteUrls } = config;
  const absolute = config.baseURL ? undefined : parsed(url);
  if (absolute !== undefined) return { changes: {}, url: absolute };
  const baseURL = config.baseURL || api;
  if (allowAbsoluteUrls !== false) {
    return { changes: { baseURL }, url: parsed(addresses.getUri({ url, baseURL })) };
  }
  // In axios 1.8.0 to 1.8.2, getUri obeys it, and what sends does not: so what is looked at here is what is sent.
  const address = addresses.getUri({ url, baseURL, allowAbsoluteUrls });
  return { changes: { url: address, baseURL: "", allowAbsoluteUrls: true }, url: parsed(address) };
}

function parsed(address: string): URL | undefined {
  // Paths are what most are, and an error costs more than a URL.
  if (address.startsWith("/")) return undefined;
  try {
    return new URL(address);
  } catch {
    return undefined;
  }
}
