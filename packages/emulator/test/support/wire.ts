import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import { request as requestSecurely, Agent as SecureAgent } from "node:https";

/** A request. It is sent as it stands here, with `Host` and a length added. */
export interface WireRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  readonly agent?: Agent;
  /** The certificate to trust, for an https URL. */
  readonly ca?: string | undefined;
}

/** The answer to a request. When it did not arrive whole, `error` is set beside the part that arrived. */
export interface WireResponse {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body, parsed as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: each test expects another body.
  readonly json: any;
  readonly error: NodeJS.ErrnoException | undefined;
  readonly elapsedMs: number;
}

/** Sends a request, over a new connection unless an agent is given. Redirects are not followed. */
export function send(url: string, options: WireRequest = {}): Promise<WireResponse> {
  const { method = "GET", headers = {}, body, agent, ca } = options;
  const isSecure = url.startsWith("https:");
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let head: { status: number | undefined; headers: IncomingHttpHeaders } = {
      status: undefined,
      headers: {},
    };
    const finish = (error?: NodeJS.ErrnoException): void => {
      const bytes = Buffer.concat(chunks);
      const text = bytes.toString("utf8");
      resolve({
        ...head,
        bytes,
        text,
        get json() {
          return JSON.parse(text);
        },
        error,
        elapsedMs: performance.now() - startedAt,
      });
    };
    // Node adds no length to a GET or DELETE with a body.
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const outgoing = (isSecure ? requestSecurely : request)(
      url,
      {
        method,
        headers: { ...length, ...headers } as OutgoingHttpHeaders,
        agent: agent ?? (isSecure ? new SecureAgent() : new Agent()),
        ca,
      },
      (response) => {
        head = { status: response.statusCode, headers: response.headers };
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => finish());
        response.on("error", finish);
      },
    );
    outgoing.on("error", finish);
    outgoing.end(body);
  });
}
