// The account's phone numbers, with undici.
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskUndici } from "@talkdesk-oauth/undici";
import { Agent, request } from "undici";

const client = talkdeskClientFromEnv();
const dispatcher = new Agent().compose(talkdeskUndici(clientCredentials(client)));

export async function listPhoneNumbers() {
  const { body } = await request(`${client.endpoints.api}/phone-details/numbers`, { dispatcher });
  return (await body.json())._embedded.phone_numbers;
}
