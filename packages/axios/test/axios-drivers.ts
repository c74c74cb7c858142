import { Agent } from "node:http";
import { Readable } from "node:stream";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import {
  type AdapterCapabilities,
  type AdapterDriver,
  describeAdapter,
  type PlainRequest,
} from "@talkdesk-oauth/conformance";
import axios from "axios";

type AxiosAdapterName = "http" | "fetch";

/** The adapter `http` takes Node's streams, `fetch` those of the web. */
function dataOf(body: PlainRequest["body"], adapter: AxiosAdapterName): unknown {
  if (body?.kind !== "stream" && body?.kind !== "iterable") return body?.value;
  return adapter === "http" ? Readable.from(body.value) : ReadableStream.from(body.value);
}

function axiosDriver(adapter: AxiosAdapterName): AdapterDriver {
  return ({ source, origins, connections }) => {
    // Its own only where the test is about connections: an agent leads to its sockets, and they to what was sent.
    const httpAgent =
      connections === undefined ? undefined : new Agent({ keepAlive: true, maxSockets: connections });
    const api = axios.create({
      adapter,
      ...(httpAgent && { httpAgent }),
      validateStatus: null,
      responseType: "text",
      maxRedirects: 5,
    });
    api.interceptors.request.use(talkdeskAxios(source, origins === undefined ? {} : { origins }));
    const send = async ({ url, method = "GET", headers, body, signal }: PlainRequest) => {
      const response = await api.request({
        // Its types know strings alone.
        url: url as string,
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
    return Object.assign(send, { close: async () => httpAgent?.destroy() });
  };
}

// axios resolves with the whole body, and rejects aborts with an error of its own.
const both = { streamsResponses: false, abortErrorName: "CanceledError" } as const;

const capabilities: Readonly<Record<AxiosAdapterName, AdapterCapabilities>> = {
  http: { ...both, urlObjects: false, limitsConnections: true },
  // It tells where a chain of redirects ended, and not where it has been.
  fetch: { ...both, urlObjects: false, seesHops: false },
};

/** States the promises of every adapter for an instance of axios that sends with one of its own adapters. */
export function describeAxios(adapter: AxiosAdapterName): void {
  describeAdapter(`axios ${axios.VERSION} on ${adapter}`, axiosDriver(adapter), capabilities[adapter]);
}
