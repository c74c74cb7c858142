import { checkClient, type TalkdeskClient } from "../client/client.js";
import { checkConfidential } from "../client/public-client.js";
import type { TokenStore } from "../store/token-store.js";
import { type Scope, splitScope } from "../token/grant.js";
import { tokenLifecycle } from "../token/lifecycle.js";
import type { LifecycleOptions } from "../token/lifecycle-options.js";
import type { ClosableTokenSource } from "../token/token-source.js";
import { clientCredentialsRequest } from "../token-endpoint/grant-request.js";
import { createSharedRequest } from "./shared-token.js";
import { tokenPlace } from "./store-access.js";

/** Options of {@link clientCredentials}. */
export interface ClientCredentialsOptions extends LifecycleOptions {
  /** What to ask for. Default: all that the client may have. */
  readonly scope?: Scope | undefined;
  /**
   * Where processes share the token, so that they cause one token request together. When the store fails, the source
   * reports `store_failed` and goes on alone. Default: memory only.
   */
  readonly store?: TokenStore | undefined;
  /** The token's name in the store: one for each client and scope. Required with `store`. */
  readonly key?: string | undefined;
}

/**
 * Makes a source of tokens for the client itself, which give access to the whole account.
 *
 * The first call of `getToken` requests a token. The source keeps it in memory, renews it before it expires, and replaces
 * it when the API refuses it. Any number of concurrent callers cause one token request. After five failed calls in a row,
 * or a `Retry-After`, calls fail at once until `retryAt`; a token that is still valid is served meanwhile. Make one source
 * for each client and scope, and share it.
 *
 * @throws
 * - TypeError at once: the client, the scope or an option cannot be used.
 *
 * `getToken` rejects with a TalkdeskError:
 * - the codes of {@link requestToken};
 * - `token_refused`: the API refused a token that had replaced a refused one less than 30 s before;
 * - `source_closed`: `close()` was called.
 * @example
 * const source = clientCredentials(client, { scope: "users:read contacts:read" });
 * const { authorization } = await source.getToken();
 * const users = await fetch(`${source.api}/users`, { headers: { authorization } });
 * @see RFC 6749 §4.4; Talkdesk, "Client Credentials - Basic"
 */
export function clientCredentials(
  client: TalkdeskClient,
  options: ClientCredentialsOptions = {},
): ClosableTokenSource {
  checkClient(client);
  checkConfidential(client.authentication);
  const scope = options.scope === undefined ? undefined : splitScope(options.scope);
  const place = tokenPlace(client, options.store, options.key, "client_credentials");
  const { source } = tokenLifecycle(
    {
      client,
      grantType: "client_credentials",
      request: createSharedRequest(client, () => clientCredentialsRequest(scope), scope, place),
      scope,
    },
    options,
  );
  return source;
}
