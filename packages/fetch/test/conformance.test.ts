import { type AdapterSetup, describeAdapter, type Send } from "@talkdesk-oauth/conformance";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { Agent, fetch as undiciFetch } from "undici";

function driver({ source, origins }: AdapterSetup, injected?: typeof fetch): Send {
  const send = talkdeskFetch(source, {
    ...(origins !== undefined && { origins }),
    ...(injected !== undefined && { fetch: injected }),
  });
  return async ({ url, body, ...init }) => {
    const response = await send(
      url,
      Object.freeze({
        ...init,
        ...(body !== undefined && { body: body.value as NonNullable<RequestInit["body"]>, duplex: "half" }),
      }),
    );
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text: () => response.text(),
    };
  };
}

describeAdapter("the global fetch", (setup) => driver(setup));

describeAdapter(
  "the fetch of undici, with an Agent of its own",
  ({ connections, ...setup }) => {
    const dispatcher = new Agent({ connections: connections ?? null });
    const fetch = ((input: string, init: object) =>
      undiciFetch(input, { ...init, dispatcher })) as typeof globalThis.fetch;
    return Object.assign(driver(setup, fetch), { close: () => dispatcher.destroy() });
  },
  // The Agent's own option.
  { limitsConnections: true },
);
