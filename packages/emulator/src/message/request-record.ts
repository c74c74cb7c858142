import { inspect } from "node:util";
import type { Laxity } from "../base/laxity.js";
import { toPrintable } from "../base/printable-text.js";
import type { Region } from "../base/region.js";
import { splitUrl } from "../base/split-url.js";
import { readMediaType } from "./media-type.js";
import type { ReceivedBody } from "./received-body.js";

// Credentials, codes and tokens in these places are not shown.
const SECRET_HEADERS = new Set(["authorization", "proxy-authorization", "cookie"]);
const SECRET_PARAMETERS = new Set([
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
const REDACTED = "[redacted]";

/**
 * Where a request was sent: to an endpoint of the identity host (`session` is the one that ends sessions), a gateway (`api`)
 * or the files host. Any other address is `other`.
 */
export type RequestTarget =
  | "token"
  | "authorize"
  | "jwks"
  | "introspect"
  | "session"
  | "api"
  | "files"
  | "other";

/**
 * One request as it arrived. The object is frozen, but `status`, `laxities`, `refusal`, `aborted` and the members about
 * the body change until the request has ended.
 *
 * `util.inspect` and `JSON.stringify` leave out credentials, codes and tokens, and escape control characters. The members
 * themselves are as received.
 */
export interface RequestRecord {
  /** When its head arrived, in epoch milliseconds. */
  readonly at: number;
  /** The host, or the endpoint of a host, that received it. */
  readonly to: RequestTarget;
  /** The region of the host; absent where it serves all regions. */
  readonly region?: Region;
  /** The account in the path of the identity host, or that of the token sent to a gateway. */
  readonly account?: string;
  /** The HTTP method, as received. */
  readonly method: string;
  /** Path and query, as received. */
  readonly url: string;
  /** The version of HTTP, such as `1.1`. */
  readonly httpVersion: string;
  /** Names and values alternate, as received. */
  readonly rawHeaders: readonly string[];
  /** By lower-case name. The values of a repeated header are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The bytes of the body that are kept: its first 8 MiB. All bodies together may take 64 MiB. To stay below, the
   * oldest are dropped, and a body that arrives while the others are still being received is not kept.
   */
  readonly body: Uint8Array;
  /** How many bytes of the body have arrived, kept or not. */
  readonly bodyBytes: number;
  /** The SHA-256 of all bytes that have arrived, kept or not, in hexadecimal digits. */
  readonly bodySha256: string;
  /** The kept bytes as UTF-8. */
  readonly text: string;
  /** The kept bytes as form parameters. A new object each time. */
  readonly form: URLSearchParams;
  /** The client id in the HTTP Basic header; absent without one. */
  readonly clientId?: string;
  /** The status of the answer; undefined until it is sent, and when a fault cut the answer. */
  readonly status: number | undefined;
  /** What was lax about the request, and was accepted because of the option `lenient`. Empty for a correct request. */
  readonly laxities: readonly Laxity[];
  /** Why the emulator refused the request, or could not answer it; undefined when it did, and when a fault answered. */
  readonly refusal: string | undefined;
  /** The number of the TCP connection. Each server counts its own. */
  readonly connection: number;
  /** True when the client went away before the whole request or the whole answer had been sent. */
  readonly aborted: boolean;
}

/** The members of a record that change while the request is served. */
export interface RequestProgress {
  readonly body: ReceivedBody;
  status: number | undefined;
  laxities: readonly Laxity[];
  refusal: string | undefined;
  aborted: boolean;
}

/** The members of a record that the head of the request decides. */
export type RequestHead = Omit<
  RequestRecord,
  "body" | "bodyBytes" | "bodySha256" | "text" | "form" | "status" | "laxities" | "refusal" | "aborted"
>;

/** Makes a record that follows the progress of its request. */
export function makeRequestRecord(head: RequestHead, progress: RequestProgress): RequestRecord {
  const record: RequestRecord = {
    ...head,
    get body(): Uint8Array {
      return new Uint8Array(progress.body.copyBytes());
    },
    get bodyBytes(): number {
      return progress.body.length;
    },
    get bodySha256(): string {
      return progress.body.digest();
    },
    get text(): string {
      return progress.body.copyBytes().toString("utf8");
    },
    get form(): URLSearchParams {
      return new URLSearchParams(progress.body.copyBytes().toString("utf8"));
    },
    get status(): number | undefined {
      return progress.status;
    },
    get laxities(): readonly Laxity[] {
      return progress.laxities;
    },
    get refusal(): string | undefined {
      return progress.refusal;
    },
    get aborted(): boolean {
      return progress.aborted;
    },
  };
  Object.defineProperty(record, inspect.custom, { value: () => redact(record) });
  Object.defineProperty(record, "toJSON", { value: () => redact(record) });
  return Object.freeze(record);
}

function redact(record: RequestRecord): Record<string, unknown> {
  const { path, query } = splitUrl(record.url);
  const isForm = readMediaType(record.headers["content-type"]) === "application/x-www-form-urlencoded";
  const headers = Object.entries(record.headers).map(([name, value]) => [
    name,
    SECRET_HEADERS.has(name) ? REDACTED : toPrintable(value),
  ]);
  return {
    at: record.at,
    to: record.to,
    region: record.region,
    account: record.account,
    method: record.method,
    url: toPrintable(query === undefined ? path : `${path}?${redactParameters(query)}`),
    headers: Object.fromEntries(headers),
    body: isForm ? toPrintable(redactParameters(record.text)) : `${record.bodyBytes} bytes`,
    clientId: record.clientId && toPrintable(record.clientId),
    status: record.status,
    laxities: record.laxities,
    refusal: record.refusal && toPrintable(record.refusal),
    connection: record.connection,
    aborted: record.aborted,
  };
}

function redactParameters(parameters: string): string {
  return [...new URLSearchParams(parameters)]
    .map(([name, value]) => `${name}=${SECRET_PARAMETERS.has(name) ? REDACTED : value}`)
    .join("&");
}
