import { talkdeskUndici } from "@talkdesk-oauth/undici";
import { Agent, type Dispatcher, interceptors, request } from "undici";
import { client, source } from "./core.js";

const dispatcher: Dispatcher = new Agent().compose(
  talkdeskUndici(source),
  interceptors.redirect({ maxRedirections: 5 }),
);

export async function countUsers(): Promise<number> {
  const { body } = await request(`${client.endpoints.api}/users?per_page=1`, { dispatcher });
  const { total } = (await body.json()) as { total: number };
  return total;
}
