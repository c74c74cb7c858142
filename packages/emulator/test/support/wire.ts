import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";

/** A request as it is to be on the wire, with nothing added but `Host` and a length. */
export interface WireRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  readonly agent?: Agent;
}

/** What came back: an error when there was no whole answer, with the part of it that there was. */
export interface WireResponse {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** Parses the body; a test knows what it expects there. */
  // biome-ignore lint/suspicious/noExplicitAny: what is in the body is what the test is about.
  readonly json: any;
  readonly error: NodeJS.ErrnoException | undefined;
  readonly elapsedMs: number;
}

/** Sends a request over a connection of its own unless told otherwise. Redirects are not followed. */
export function send(url: string, options: WireRequest = {}): Promise<WireResponse> {
  const { method = "GET", headers = {}, body, agent } = options;
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
    // Node does not announce the body of a GET or DELETE by itself.
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const outgoing = request(
      url,
      { method, headers: { ...length, ...headers } as OutgoingHttpHeaders, agent: agent ?? new Agent() },
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
