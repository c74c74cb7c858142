import { AsyncLocalStorage } from "node:async_hooks";

/** The request that is being answered. */
export const requests = new AsyncLocalStorage<Request>();

export async function headers(): Promise<Headers> {
  const request = requests.getStore();
  if (request === undefined) throw new Error("headers() was called outside a request.");
  return request.headers;
}
