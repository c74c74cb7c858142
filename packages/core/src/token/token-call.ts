import type { Instant } from "../base/clock.js";
import type { TalkdeskError } from "../base/errors.js";
import type { TalkdeskClient } from "../client/client.js";
import type { AccessToken } from "./access-token.js";
import type { Grant } from "./grant.js";

/** What the lifecycle tells a token call that begins. */
export interface TokenCallContext {
  /** Aborts when the source is closed. */
  readonly signal: AbortSignal;
  /** Token values that are no answer, wherever they are found: the current one, and the one that the API has refused. */
  readonly outdated: readonly string[];
  /** The token value that the API has refused, if that is the reason of the call. */
  readonly refused?: string | undefined;
  /** How long the token is needed, in milliseconds; 0 for any lifetime. */
  readonly neededMs: number;
  /** How long its callers have already waited for a call that a login has replaced, in milliseconds. */
  readonly waitedMs: number;
  /** Says that the session of the current token is over: if the call fails, no caller gets that token any more. */
  readonly withdraw: () => void;
  readonly report: ReportEvent;
}

/** Publishes an event of the source that happens outside its lifecycle. */
export type ReportEvent = (type: "store_failed" | "session_ended", error?: TalkdeskError) => void;

/** What a token call brought. */
export interface TokenAnswer {
  readonly token: AccessToken;
  /** Just before the request was sent that was answered with it. */
  readonly sentAt: Instant;
  /** True when it was found in a store, so that nothing was sent. */
  readonly isShared?: boolean;
}

/** What is specific to the grant of a source: how it requests a token. */
export interface SourceGrant {
  readonly client: TalkdeskClient;
  readonly grantType: Grant["grant_type"];
  /** Makes one token call, retries included. */
  readonly request: (context: TokenCallContext) => Promise<TokenAnswer>;
  /** The scopes that it requests; absent for all. */
  readonly scope?: readonly string[] | undefined;
}
