import { Agent } from "node:http";
import { Readable } from "node:stream";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import {
  type AdapterSetup,
  describeAdapter,
  type PlainRequest,
  type Send,
} from "@talkdesk-oauth/conformance";
import axios, { type AxiosInstance, type CreateAxiosDefaults } from "axios";

/** The adapter `http` takes Node's streams, `fetch` those of the web. */
function dataOf(body: PlainRequest["body"], adapter: "http" | "fetch"): unknown {
  if (body?.kind !== "stream" && body?.kind !== "iterable") return body?.value;
  return adapter === "http" ? Readable.from(body.value) : ReadableStream.from(body.value);
}

function driver(
  { source, origins, connections }: AdapterSetup,
  adapter: "http" | "fetch",
  make: (defaults: CreateAxiosDefaults) => AxiosInstance,
): Send {
  // Its own only where the test is about connections: an agent leads to its sockets, and they to what was sent.
  const httpAgent =
    connections === undefined ? undefined : new Agent({ keepAlive: true, maxSockets: connections });
  const api = make({
    adapter,
    ...(httpAgent && { httpAgent }),
    validateStatus: null,
    responseType: "text",
    maxRedirects: 5,
  });
  const id = api.interceptors.request.use(talkdeskAxios(source, origins === undefined ? {} : { origins }));
  const send = async ({ url, method = "GET", headers, body, signal }: PlainRequest) => {
    const response = await api.request({
      url,
      method,
      headers: { ...headers },
      data: dataOf(body, adapter),
      ...(signal !== undefined && { signal }),
    });
    const plain = Object.entries(response.headers).map(([name, value]) => [
      name.toLowerCase(),
      String(value),
    ]);
    return { status: response.status, headers: Object.fromEntries(plain), text: async () => response.data };
  };
  return Object.assign(send, {
    async close() {
      api.interceptors.request.eject(id);
      httpAgent?.destroy();
    },
  });
}

// axios resolves with the whole body, and rejects aborts with an error of its own.
const both = { streamsResponses: false, abortErrorName: "CanceledError" } as const;

describeAdapter(
  "an axios instance on http",
  (setup) => driver(setup, "http", (defaults) => axios.create(defaults)),
  { ...both, limitsConnections: true },
);
describeAdapter(
  "an axios instance on fetch",
  (setup) => driver(setup, "fetch", (defaults) => axios.create(defaults)),
  both,
);
