import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  clientCredentials,
  clientSecretBasic,
  sourcePool,
  type TokenEvent,
  talkdeskClient,
  tokenDestination,
} from "@talkdesk-oauth/core";
import { describe, expect, it, onTestFinished } from "vitest";

function observed() {
  const events: TokenEvent[] = [];
  const authentication = clientSecretBasic({ clientId: "client-1", clientSecret: "secret-1" });
  const source = clientCredentials(talkdeskClient({ account: "acme", authentication }), {
    label: "reports",
    onEvent: (event) => void events.push(event),
  });
  return { source, events };
}

const EU = new URL("https://api.talkdeskapp.eu/users");

describe("token_withheld", () => {
  it("is emitted once for each other gateway of Talkdesk", () => {
    const { source, events } = observed();
    const mayHaveToken = tokenDestination(source);
    for (const url of [
      EU,
      EU,
      new URL("https://api.talkdeskapp.co.uk/"),
      new URL("https://api.talkdeskappca.com/"),
    ]) {
      expect(mayHaveToken(url)).toBe(false);
    }
    tokenDestination(source)(EU);
    const common = {
      type: "token_withheld",
      at: expect.any(Number),
      grantType: "client_credentials",
      tokenEndpoint: "https://acme.talkdeskid.com/oauth/token",
      clientId: "client-1",
      label: "reports",
    };
    expect(events).toEqual([
      { ...common, origin: "https://api.talkdeskapp.eu" },
      { ...common, origin: "https://api.talkdeskapp.co.uk" },
      { ...common, origin: "https://api.talkdeskappca.com" },
    ]);
  });

  it("is not emitted for the source's own gateway, an allowed origin, or a host that is no gateway", () => {
    const { source, events } = observed();
    const mayHaveToken = tokenDestination(source, { origins: [EU.origin] });
    const urls = [
      EU.href,
      "https://api.talkdeskapp.com/users",
      "https://example.com/",
      "https://api.talkdeskapp.eu.example.com/",
      "https://acme.talkdeskid.com/oauth/token",
      "https://user@api.talkdeskapp.com/",
    ];
    for (const url of urls) mayHaveToken(new URL(url));
    expect(events).toEqual([]);
  });

  it("reaches the diagnostics channel, also through a pool", async () => {
    const origins: unknown[] = [];
    const listen = (message: unknown) => void origins.push((message as { origin: string }).origin);
    subscribe("talkdesk-oauth:token_withheld", listen);
    onTestFinished(() => void unsubscribe("talkdesk-oauth:token_withheld", listen));
    const pool = sourcePool(() => observed().source);
    tokenDestination(await pool.get("acme"))(EU);
    expect(origins).toEqual([EU.origin]);
    await pool.close();
  });

  it("needs no function of a source of the user's own", () => {
    const own = { api: "https://api.talkdeskapp.com", getToken: observed().source.getToken };
    expect(tokenDestination(own)(EU)).toBe(false);
  });
});
