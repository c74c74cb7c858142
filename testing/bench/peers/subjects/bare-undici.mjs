import { request } from "undici";

/** undici with a header that the app sets: the limit of what uses undici. */
export function open({ headers, dispatcher }) {
  return async (url, content) => {
    const method = content === undefined ? "GET" : "POST";
    const { statusCode, body } = await request(url, { method, body: content, headers, dispatcher });
    await body.arrayBuffer();
    return statusCode;
  };
}
