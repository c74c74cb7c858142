import { checkClient, type TalkdeskClient } from "../client/client.js";
import { checkConfidential } from "../client/public-client.js";
import type { TokenStore } from "../store/token-store.js";
import { type Scope, SERVICE_TOKEN_SECONDS, splitScope } from "../token/grant.js";
import { tokenLifecycle } from "../token/lifecycle.js";
import type { LifecycleOptions } from "../token/lifecycle-options.js";
import type { ClosableTokenSource } from "../token/token-source.js";
import { type GrantRequest, serviceTokenRequest } from "../token-endpoint/grant-request.js";
import { createSharedRequest } from "./shared-token.js";
import { tokenPlace } from "./store-access.js";

/** Options of {@link serviceToken}. */
export interface ServiceTokenOptions extends LifecycleOptions {
  /** What to ask for. Default: all that the client may have. */
  readonly scope?: Scope | undefined;
  /**
   * The lifetime of the token, in whole seconds, from 86 400 (a day) to 31 556 952 (a year). Default: Talkdesk's own,
   * which is not documented.
   */
  readonly lifetimeSeconds?: number | undefined;
  /**
   * Where processes share the token, and find it after a restart. When the store fails, the source reports
   * `store_failed` and goes on alone. Default: memory only.
   */
  readonly store?: TokenStore | undefined;
  /** The token's name in the store: one for each client and scope. Required with `store`. */
  readonly key?: string | undefined;
}

/**
 * Makes a source of service tokens (STS), which are opaque, long-lived, and for the client itself. They are sent in
 * `Authorization` without the word Bearer. Only some of Talkdesk's APIs accept them; the page of an API says whether.
 *
 * It requests, keeps, renews and replaces tokens as {@link clientCredentials} does. Make one source for each client and
 * scope, and share it.
 *
 * @throws
 * - TypeError at once: the client, the scope, the lifetime or an option cannot be used.
 *
 * `getToken` rejects with a TalkdeskError:
 * - the codes of {@link requestToken};
 * - `token_refused`: the API refused a token that had replaced a refused one less than 30 s before;
 * - `source_closed`: `close()` was called.
 * @example
 * const source = serviceToken(client, { lifetimeSeconds: 86_400 });
 * const { authorization } = await source.getToken(); // the bare token
 * @see Talkdesk, "Client Credentials - STS token"
 */
export function serviceToken(client: TalkdeskClient, options: ServiceTokenOptions = {}): ClosableTokenSource {
  checkClient(client);
  checkConfidential(client.authentication);
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
  const scope = options.scope === undefined ? undefined : splitScope(options.scope);
  const prepare = (): GrantRequest =>
    serviceTokenRequest({
      grant_type: "client_credentials",
      token_type: "opaque",
      scope,
      expires_in: lifetimeSeconds,
    });
  const place = tokenPlace(client, options.store, options.key, "service_token");
  const { source } = tokenLifecycle(
    {
      client,
      grantType: "client_credentials",
      request: createSharedRequest(client, prepare, scope, place),
      scope,
    },
    options,
  );
  return source;
}
