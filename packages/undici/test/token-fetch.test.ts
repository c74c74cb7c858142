import {
  clientCredentials,
  clientSecretBasic,
  type FetchFunction,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { startEmulator } from "@talkdesk-oauth/emulator";
import { Agent, fetch, type RequestInit } from "undici";
import { expect, expectTypeOf, it, onTestFinished } from "vitest";

it("undici's fetch, with a custom Agent, sends token requests", async () => {
  expectTypeOf<typeof fetch>().toExtend<FetchFunction>();
  await using talkdesk = await startEmulator();
  const dispatcher = new Agent();
  onTestFinished(() => dispatcher.close());
  const { clientId, clientSecret } = talkdesk.clients.get();
  for (const send of [fetch, (url: string, init: RequestInit) => fetch(url, { ...init, dispatcher })]) {
    const client = talkdeskClient({
      endpoints: talkdesk.endpoints(),
      authentication: clientSecretBasic({ clientId, clientSecret }),
      fetch: send,
    });
    await using source = clientCredentials(client);
    expect((await source.getToken()).type).toBe("Bearer");
  }
  expect(talkdesk.requests.to("token")).toHaveLength(2);
});
