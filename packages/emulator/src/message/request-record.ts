import { inspect } from "node:util";
import { printableText } from "../base/printable-text.js";
import type { Region } from "../base/region.js";
import type { ReceivedBody } from "./received-body.js";

/** What a request was sent to: an endpoint of the identity host, a gateway, the files host, or none of these. */
export type RequestTarget = "token" | "authorize" | "jwks" | "introspect" | "api" | "files" | "other";

/**
 * One request as it arrived. Frozen; `status`, `aborted` and, while an upload runs, `body` follow what happens.
 *
 * `util.inspect` and `JSON.stringify` show it without credentials, codes and tokens, and escape what a terminal would
 * obey. The members themselves are as received.
 */
export interface RequestRecord {
  /** When its head had arrived, in epoch milliseconds. */
  readonly at: number;
  readonly to: RequestTarget;
  readonly region?: Region;
  /** From the path of the identity host, or the account of the token that a gateway was shown. */
  readonly account?: string;
  readonly method: string;
  /** Path and query, as received. */
  readonly url: string;
  readonly httpVersion: string;
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[];
  /** By lower-case name; repeated ones joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * What is kept of the body: its first 8 MiB. Nothing is kept of old ones, or of one that comes when others are being
   * received, where all bodies together would take more than 64 MiB.
   */
  readonly body: Uint8Array;
  /** How many bytes of it have come, kept or not. */
  readonly bodyBytes: number;
  /** The SHA-256 of all that has come, kept or not, in hexadecimal digits. */
  readonly bodySha256: string;
  /** The body as UTF-8. */
  readonly text: string;
  /** The body as form parameters. A new object each time. */
  readonly form: URLSearchParams;
  /** The client id of HTTP Basic credentials; absent without them. */
  readonly clientId?: string;
  /** The status answered; undefined while there is none, and when the answer was cut. */
  readonly status: number | undefined;
  /** The TCP connection it came over: a number that is unique per server. */
  readonly connection: number;
  /** Whether the client went away before it had sent all or received all. */
  readonly aborted: boolean;
}

/** The members of a record that change while the request is served. */
export interface RequestProgress {
  readonly body: ReceivedBody;
  status: number | undefined;
  aborted: boolean;
}

/** The members of a record that are known from the request's head. */
export type RequestHead = Omit<
  RequestRecord,
  "body" | "bodyBytes" | "bodySha256" | "text" | "form" | "status" | "aborted"
>;

/** Makes a record that shows a progress as it changes. */
export function requestRecord(head: RequestHead, progress: RequestProgress): RequestRecord {
  const record: RequestRecord = {
    ...head,
    get body(): Uint8Array {
      return new Uint8Array(progress.body.bytes());
    },
    get bodyBytes(): number {
      return progress.body.length;
    },
    get bodySha256(): string {
      return progress.body.sha256();
    },
    get text(): string {
      return progress.body.bytes().toString("utf8");
    },
    get form(): URLSearchParams {
      return new URLSearchParams(progress.body.bytes().toString("utf8"));
    },
    get status(): number | undefined {
      return progress.status;
    },
    get aborted(): boolean {
      return progress.aborted;
    },
  };
  Object.defineProperty(record, inspect.custom, { value: () => shown(record) });
  Object.defineProperty(record, "toJSON", { value: () => shown(record) });
  return Object.freeze(record);
}

const secretHeaders = new Set(["authorization", "proxy-authorization", "cookie"]);
const secretParameters = new Set([
  "access_token",
  "assertion",
  "client_assertion",
  "client_secret",
  "code",
  "code_verifier",
  "password",
  "refresh_token",
  "signature",
  "token",
]);
const redacted = "[redacted]";

function shown(record: RequestRecord): Record<string, unknown> {
  const [path = "", query] = record.url.split(/\?(.*)/s);
  const mediaType = record.headers["content-type"]?.toLowerCase() ?? "";
  const isForm = mediaType.startsWith("application/x-www-form-urlencoded");
  const shownHeaders = Object.entries(record.headers).map(([name, value]) => [
    name,
    secretHeaders.has(name) ? redacted : printableText(value),
  ]);
  return {
    at: record.at,
    to: record.to,
    region: record.region,
    account: record.account,
    method: record.method,
    url: printableText(query === undefined ? path : `${path}?${withoutSecrets(query)}`),
    headers: Object.fromEntries(shownHeaders),
    body: isForm ? printableText(withoutSecrets(record.text)) : `${record.bodyBytes} bytes`,
    clientId: record.clientId && printableText(record.clientId),
    status: record.status,
    connection: record.connection,
    aborted: record.aborted,
  };
}

function withoutSecrets(parameters: string): string {
  return [...new URLSearchParams(parameters)]
    .map(([name, value]) => `${name}=${secretParameters.has(name) ? redacted : value}`)
    .join("&");
}
