import { talkdeskUndici } from "@talkdesk-oauth/undici";
import { request } from "undici";
import { openSource } from "./talkdesk-source.mjs";

export function open({ dispatcher, ...service }) {
  const composed = dispatcher.compose(talkdeskUndici(openSource(service)));
  return async (url, content) => {
    const method = content === undefined ? "GET" : "POST";
    const { statusCode, body } = await request(url, { method, body: content, dispatcher: composed });
    await body.arrayBuffer();
    return statusCode;
  };
}
