import { checkClient, type TalkdeskClient } from "../client/client.js";
import type { TokenStore } from "../store/token-store.js";
import {
  type Grant,
  grantParameters,
  type Scope,
  SERVICE_TOKEN_SECONDS,
  scopeNames,
} from "../token/grant.js";
import { type LifecycleOptions, tokenLifecycle } from "../token/lifecycle.js";
import type { ClosableTokenSource } from "../token/token-source.js";
import { createSharedRequest } from "./shared-token.js";
import { tokenPlace } from "./store-access.js";

/** Options of {@link serviceToken}. */
export interface ServiceTokenOptions extends LifecycleOptions {
  /** What to ask for. Default: all that the client may have. */
  readonly scope?: Scope | undefined;
  /**
   * How long the token is to live, in whole seconds: from 86 400 (a day) to 31 556 952 (a year). Default: what Talkdesk
   * chooses, which it does not document.
   */
  readonly lifetimeSeconds?: number | undefined;
  /**
   * Where processes share the token, and find it after a restart. Whatever fails there is reported by `store_failed`,
   * and the source goes on alone. Default: memory only.
   */
  readonly store?: TokenStore | undefined;
  /** The token's name in the store: one for each client and scope. Needed with `store`. */
  readonly key?: string | undefined;
}

/**
 * A source of service tokens (STS): opaque ones with a long life, for the client itself. They are sent bare in
 * `Authorization`, without the word Bearer, and only some of Talkdesk's APIs take them: the page of an API says so.
 *
 * It asks, keeps, renews and replaces as {@link clientCredentials} does. Make one source for each client and scope,
 * and share it.
 *
 * @throws TypeError at once, for a scope, a lifetime or an option that cannot be used.
 * @throws TalkdeskError (rejection of `getToken`) those of {@link requestToken}; `token_refused` when the API refuses
 *   a token that replaced a refused one within 30 s; `source_closed` after `close()`.
 * @see Talkdesk, "Client Credentials - STS token"
 */
export function serviceToken(client: TalkdeskClient, options: ServiceTokenOptions = {}): ClosableTokenSource {
  checkClient(client);
  const { lifetimeSeconds } = options;
  const { min, max } = SERVICE_TOKEN_SECONDS;
  if (
    lifetimeSeconds !== undefined &&
    !(Number.isInteger(lifetimeSeconds) && lifetimeSeconds >= min && lifetimeSeconds <= max)
  ) {
    throw new TypeError(
      `lifetimeSeconds must be a whole number from ${min} (a day) to ${max} (a year) seconds.`,
    );
  }
  const scope = options.scope === undefined ? undefined : scopeNames(options.scope);
  const grant: Extract<Grant, { grant_type: "client_credentials" }> = {
    grant_type: "client_credentials",
    token_type: "opaque",
    scope,
    expires_in: lifetimeSeconds,
  };
  grantParameters(grant);
  const place = tokenPlace(client, options.store, options.key, "service_token");
  const { source } = tokenLifecycle(
    {
      client,
      grantType: grant.grant_type,
      request: createSharedRequest(client, grant, scope, place),
      scope,
    },
    options,
  );
  return source;
}
