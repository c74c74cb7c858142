import { talkdeskUndici } from "@talkdesk-oauth/undici";
import { Agent, request } from "undici";
import { refusedSource } from "./refused-source.mjs";

const source = refusedSource();
const agent = new Agent();
const dispatcher = agent.compose(talkdeskUndici(source));

const { statusCode, body } = await request(`${source.api}/echo`, {
  dispatcher,
  method: "POST",
  body: JSON.stringify({ name: "value" }),
});
console.log(statusCode, (await body.json()).text);
await agent.close();
