import { checkClient, type TalkdeskClient } from "../client/client.js";
import type { TokenStore } from "../store/token-store.js";
import { type Grant, grantParameters, type Scope, scopeNames } from "../token/grant.js";
import { type LifecycleOptions, tokenLifecycle } from "../token/lifecycle.js";
import type { ClosableTokenSource } from "../token/token-source.js";
import { createSharedRequest } from "./shared-token.js";
import { tokenPlace } from "./store-access.js";

/** Options of {@link clientCredentials}. */
export interface ClientCredentialsOptions extends LifecycleOptions {
  /** What to ask for. Default: all that the client may have. */
  readonly scope?: Scope | undefined;
  /**
   * Where processes share the token, so that all of them together ask once. Whatever fails there is reported by
   * `store_failed`, and the source goes on alone. Default: memory only.
   */
  readonly store?: TokenStore | undefined;
  /** The token's name in the store: one for each client and scope. Needed with `store`. */
  readonly key?: string | undefined;
}

/**
 * A source of tokens for the client itself: access to the whole account.
 *
 * Asks when somebody first needs a token, then keeps it in memory, renews it before it ends, and replaces it when the
 * API refuses it. Any number of concurrent callers cause one token request. After repeated failures, or a
 * `Retry-After`, calls fail at once for a while (`retryAt`); a token that is still valid is served all the same. Make
 * one source for each client and scope, and share it.
 *
 * @throws TypeError at once, for a scope or an option that cannot be used.
 * @throws TalkdeskError (rejection of `getToken`) those of {@link requestToken}; `token_refused` when the API refuses
 *   a token that replaced a refused one within 30 s; `source_closed` after `close()`.
 * @see RFC 6749 §4.4; Talkdesk, "Client Credentials - Basic"
 */
export function clientCredentials(
  client: TalkdeskClient,
  options: ClientCredentialsOptions = {},
): ClosableTokenSource {
  checkClient(client);
  const scope = options.scope === undefined ? undefined : scopeNames(options.scope);
  const grant: Extract<Grant, { grant_type: "client_credentials" }> = {
    grant_type: "client_credentials",
    scope,
  };
  grantParameters(grant);
  const place = tokenPlace(client, options.store, options.key, "client_credentials");
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
