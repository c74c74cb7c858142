import type { Laxity } from "./base/laxity.js";
import type { Operation } from "./gateway/own-operation.js";
import type { KeyListing } from "./identity/published-keys.js";
import type { RequestRecord } from "./message/request-record.js";
import type { SigningAlgorithm } from "./world/signing-keys.js";

/** How to start the emulator. Every option has a default. */
export interface EmulatorOptions {
  /**
   * The port of the identity host. The gateways take the next ports, one for each region in the order us, eu, ca, au, and
   * the files host the one after. Default: 0, which gives every server a free port.
   */
  readonly port?: number;
  /** A loopback address: `127.0.0.1`, `::1` or `localhost`. Default: `127.0.0.1`. */
  readonly host?: string;
  /**
   * True: every origin is https, with a certificate for `localhost`, 127.0.0.1 and ::1 that is made anew at each start.
   * `certificate` of the emulator is what clients must trust. Default: false.
   */
  readonly tls?: boolean;
  /** Credentials, identifiers and data follow from this text. Default: `talkdesk`. */
  readonly seed?: string;
  /** The names of the accounts, which exist in every region: lower-case DNS labels. Default: `["acme"]`. */
  readonly accounts?: readonly string[];
  /**
   * The redirect URIs of every client that is registered without any, such as the default clients: absolute http or https
   * URLs without a fragment. Default: `["http://localhost:3000/callback"]`.
   */
  readonly redirectUris?: readonly string[];
  /** How long access tokens live, in seconds. Default: 599. */
  readonly tokenLifetimeSeconds?: number;
  /**
   * What a refresh does with the refresh token. Default: `rotate`. What the service does is not documented.
   *
   * - `rotate`: the answer has a new one, and the old one cannot be used again.
   * - `keep`: the answer repeats the old one, which stays valid.
   * - `omit`: the answer has none, and the old one stays valid.
   */
  readonly refreshTokens?: "rotate" | "keep" | "omit";
  /**
   * What a second use of a rotated refresh token leads to. Default: `revoke`. What the service does is not documented.
   *
   * - `revoke`: the login ends, and all its tokens are revoked.
   * - `refuse`: the request is refused, and the successor stays valid.
   */
  readonly refreshReuse?: "revoke" | "refuse";
  /**
   * True: a login gets a refresh token only when its scope has `refresh_token`, or when it asks for no scope. Default:
   * false. What the service does is not documented.
   */
  readonly requiresRefreshTokenScope?: boolean;
  /** The `token_type` in the answer with a service token, which is not documented. Default: `opaque`. */
  readonly serviceTokenType?: string;
  /** The algorithm that signs ID tokens. Default: `ES256`. */
  readonly idTokenAlgorithm?: SigningAlgorithm;
  /** The `iss` of ID tokens, which is not documented. Default: the origin of the identity host. */
  readonly idTokenIssuer?: string;
  /**
   * How far the clock of the service is ahead, in milliseconds. It decides the `Date` of answers, the times in tokens, and
   * whether a client assertion has expired. Default: 0.
   */
  readonly clockSkewMs?: number;
  /**
   * How a user logs in. Default: `automatic`.
   *
   * - `automatic`: the first user, or the one that `login_hint` names, is signed in without a page.
   * - `page`: a page has a button for each of five users, and one that denies.
   */
  readonly login?: "automatic" | "page";
  /** How the public keys are shown. Default: with `kid` and `alg`. See `keys.rotate()` for new keys. */
  readonly keys?: KeyListing;
  /** How many polls a report job answers before it is done. Default: 2. */
  readonly reportPolls?: number;
  /**
   * How many rows the file of a report has: about 235 bytes each in a report of calls as CSV, and twice as many as JSON.
   * Default: 40. At most 1 000 000.
   */
  readonly reportRows?: number;
  /**
   * Operations of your own, in every account and region. They stand behind the same authorisation, scopes, faults and log
   * as the built-in ones, and come before them: of the operations that match a method and path, the first answers.
   * Default: none.
   */
  readonly operations?: readonly Operation[];
  /** What is accepted although the service does not document it. Default: nothing. */
  readonly lenient?: readonly Laxity[];
  /** Called with each request when it has been answered, was cut by a fault, or was given up by its client. */
  readonly onRequest?: (record: RequestRecord) => void;
}
