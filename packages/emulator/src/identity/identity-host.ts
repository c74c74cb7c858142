import type { Laxity } from "../base/laxity.js";
import { isRegion, type Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import { splitUrl } from "../base/split-url.js";
import type { Engine } from "../engine/engine.js";
import { type Answer, htmlRefusal, jsonAnswer } from "../message/answer.js";
import type { RequestTarget } from "../message/request-record.js";
import type { Destination, Host } from "../wire/host-server.js";
import type { ClientRegistry } from "../world/clients.js";
import type { Directory } from "../world/directory.js";
import type { IssuedTokens } from "../world/issued-tokens.js";
import type { SigningKeys } from "../world/signing-keys.js";
import { answerAuthorizeRequest } from "./authorize-endpoint.js";
import { makeJtiMemory } from "./client-assertion.js";
import { answerEndSessionRequest } from "./end-session-endpoint.js";
import { answerIntrospectRequest } from "./introspect-endpoint.js";
import { authorizeError } from "./oauth-error.js";
import { type KeyListing, listDeprecatedKeys, listKeys } from "./published-keys.js";
import { answerTokenRequest } from "./token-endpoint.js";

/** The dependencies and settings of the identity host. */
export interface IdentityHostParts {
  readonly seed: Seed;
  readonly accounts: readonly string[];
  readonly clients: ClientRegistry;
  readonly tokens: IssuedTokens;
  readonly getEngine: (region: Region, account: string) => Engine;
  readonly getDirectory: (region: Region, account: string) => Directory;
  /** Gives the origin of the host, which is known when its server has started. */
  readonly getOrigin: () => string;
  readonly getGatewayOrigin: (region: Region) => string;
  readonly signingKeys: SigningKeys;
  /** How the public keys are shown. */
  readonly keys: KeyListing;
  /** The `token_type` in the answer with a service token. */
  readonly serviceTokenType: string;
  /** `page`: a person chooses a user. `automatic`: the first user is signed in. */
  readonly login: "automatic" | "page";
  /** What is accepted although the service does not document it. */
  readonly lenient: readonly Laxity[];
  /** The time of the service, in epoch milliseconds. */
  readonly now: () => number;
}

/** The endpoints of an account, by their path. */
const ENDPOINTS: Readonly<Record<string, RequestTarget>> = {
  "oauth/token": "token",
  "oauth/authorize": "authorize",
  "oauth/2023-10/certs": "jwks",
  "oauth/certs": "jwks",
  "oauth/introspect": "introspect",
  "oauth/end_user_session": "session",
};

/**
 * Makes the identity host of all regions and accounts. The path `/{region}/{account}` stands for a host name of the
 * service.
 */
export function makeIdentityHost(parts: IdentityHostParts): Host {
  const useJti = makeJtiMemory();
  const makeServiceToken = parts.seed.tokens("service-token", 48);

  function findDestination(path: string): Destination {
    const [, region = "", account = "", endpoint = ""] = /^\/([^/]+)\/([^/]+)\/(.*)$/.exec(path) ?? [];
    if (!isRegion(region)) return { to: "other" };
    return { to: ENDPOINTS[endpoint] ?? "other", region, account };
  }

  function listKeysAt(path: string, region: Region, account: string): readonly object[] {
    const list = path.endsWith("/oauth/certs") ? listDeprecatedKeys : listKeys;
    return list(parts.signingKeys.getPublished(region, account), parts.keys);
  }

  return {
    foreignHost: htmlRefusal(404, "The Host header names another host"),
    findDestination: ({ path }) => findDestination(path),
    answer(request): Answer | Promise<Answer> {
      const { to, region, account } = request;
      if (region === undefined || account === undefined || !parts.accounts.includes(account)) {
        return htmlRefusal(404, "This account does not exist");
      }
      switch (to) {
        case "token":
          return answerTokenRequest(request, {
            ...parts,
            tokenUrl: `${parts.getOrigin()}/${region}/${account}/oauth/token`,
            useJti,
            makeServiceToken,
            region,
            account,
            engine: parts.getEngine(region, account),
          });
        case "authorize":
          return answerAuthorizeRequest(request, {
            ...parts,
            account,
            engine: parts.getEngine(region, account),
            directory: parts.getDirectory(region, account),
            hasPage: parts.login === "page",
          });
        case "introspect":
          return answerIntrospectRequest(request, {
            ...parts,
            region,
            account,
            issuer: parts.getOrigin(),
            gateway: parts.getGatewayOrigin(region),
            signingKey: parts.signingKeys.getCurrent(region, account, "ES256"),
          });
        case "session":
          return answerEndSessionRequest(request, {
            ...parts,
            region,
            account,
            directory: parts.getDirectory(region, account),
          });
        case "jwks":
          if (request.method !== "GET" && request.method !== "HEAD") {
            return authorizeError(405, "invalid_request", "The keys can only be read, with GET.");
          }
          return jsonAnswer(
            200,
            { keys: listKeysAt(splitUrl(request.url).path, region, account) },
            { "cache-control": "max-age=300" },
          );
        default:
          return htmlRefusal(404, "Page not found");
      }
    },
  };
}
