import { Axios, type InternalAxiosRequestConfig } from "axios";

/** A request whose address is complete. */
export interface Addressed {
  /** What to send instead of the caller's config. */
  readonly config: InternalAxiosRequestConfig;
  /** Where that goes; undefined when it is no address, which axios then says. */
  readonly url: URL | undefined;
}

const addresses = new Axios({});

/** Resolves a relative URL that has no `baseURL` against `api`, and tells where axios will send the request. */
export function addressed(config: InternalAxiosRequestConfig, api: string): Addressed {
  const { url = "", allowAbsoluteUrls } = config;
  const baseURL = config.baseURL || (URL.canParse(url) ? undefined : api);
  if (baseURL === undefined) return { config, url: parsed(url) };
  if (allowAbsoluteUrls !== false) {
    return { config: { ...config, baseURL }, url: parsed(addresses.getUri({ url, baseURL })) };
  }
  // In axios 1.8.0 to 1.8.2, getUri obeys it, and what sends does not: so what is looked at here is what is sent.
  const address = addresses.getUri({ url, baseURL, allowAbsoluteUrls });
  return { config: { ...config, url: address, baseURL: "", allowAbsoluteUrls: true }, url: parsed(address) };
}

function parsed(address: string): URL | undefined {
  return URL.canParse(address) ? new URL(address) : undefined;
}
