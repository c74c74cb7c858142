import { markedAsFake } from "../base/fake-mark.js";
import { isRegion, type Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import type { Engine } from "../engine/engine.js";
import { type Answer, htmlAnswer, jsonAnswer } from "../message/answer.js";
import { authorizeError } from "../message/oauth-error.js";
import type { RequestTarget } from "../message/request-record.js";
import type { Destination, Host } from "../wire/host-server.js";
import type { ClientRegistry } from "../world/clients.js";
import type { Directory } from "../world/directory.js";
import type { IssuedTokens } from "../world/issued-tokens.js";
import type { SigningKeys } from "../world/signing-keys.js";
import { answerAuthorizeRequest } from "./authorize-endpoint.js";
import { usedAssertions } from "./client-assertion.js";
import { answerIntrospectRequest } from "./introspect-endpoint.js";
import { deprecatedKeys, type KeyListing, publishedKeys } from "./published-keys.js";
import { answerTokenRequest } from "./token-endpoint.js";

/** What the identity host works with. */
export interface IdentityHostParts {
  readonly seed: Seed;
  readonly accounts: readonly string[];
  readonly clients: ClientRegistry;
  readonly tokens: IssuedTokens;
  readonly engineOf: (region: Region, account: string) => Engine;
  readonly directoryOf: (region: Region, account: string) => Directory;
  /** The host's origin; known when the server has started. */
  readonly origin: () => string;
  readonly gatewayOf: (region: Region) => string;
  readonly signingKeys: SigningKeys;
  /** How its keys are shown. */
  readonly keys: KeyListing;
  /** What `token_type` says of a service token. */
  readonly serviceTokenType: string;
  /** Who decides about a login: a page for a person, or nobody. */
  readonly login: "automatic" | "page";
  /** The service's clock, in epoch milliseconds. */
  readonly now: () => number;
}

const endpoints: Readonly<Record<string, RequestTarget>> = {
  "oauth/token": "token",
  "oauth/authorize": "authorize",
  "oauth/2023-10/certs": "jwks",
  "oauth/certs": "jwks",
  "oauth/introspect": "introspect",
};

/** Makes the identity host of all regions and accounts: `/{region}/{account}` stands for a host name of the service. */
export function identityHost(parts: IdentityHostParts): Host {
  const isNewJti = usedAssertions();
  const nextServiceToken = markedAsFake(parts.seed.sequence("service-token", 48));

  function destination(path: string): Destination {
    const [, region = "", account = "", endpoint = ""] = /^\/([^/]+)\/([^/]+)\/(.*)$/.exec(path) ?? [];
    if (!isRegion(region)) return { to: "other" };
    return { to: endpoints[endpoint] ?? "other", region, account };
  }

  function keysAt(path: string | undefined, region: Region, account: string): readonly object[] {
    const show = path?.endsWith("/oauth/certs") ? deprecatedKeys : publishedKeys;
    return show(parts.signingKeys.published(region, account), parts.keys);
  }

  return {
    foreignHost: htmlAnswer(404, "The Host header names another host"),
    destination: ({ path }) => destination(path),
    answer(request): Answer | Promise<Answer> {
      const { to, region, account } = request;
      if (region === undefined || account === undefined || !parts.accounts.includes(account)) {
        return htmlAnswer(404, "There is no such account");
      }
      switch (to) {
        case "token":
          return answerTokenRequest(request, {
            ...parts,
            tokenUrl: `${parts.origin()}/${region}/${account}/oauth/token`,
            isNewJti,
            nextServiceToken,
            region,
            account,
            engine: parts.engineOf(region, account),
          });
        case "authorize":
          return answerAuthorizeRequest(request, {
            ...parts,
            account,
            engine: parts.engineOf(region, account),
            directory: parts.directoryOf(region, account),
            hasPage: parts.login === "page",
          });
        case "introspect":
          return answerIntrospectRequest(request, {
            ...parts,
            region,
            account,
            issuer: parts.origin(),
            gateway: parts.gatewayOf(region),
            signingKey: parts.signingKeys.current(region, account, "ES256"),
          });
        case "jwks":
          if (request.method !== "GET" && request.method !== "HEAD") {
            return authorizeError(405, "invalid_request", "The keys are read with GET.");
          }
          return jsonAnswer(
            200,
            { keys: keysAt(request.url.split("?", 1)[0], region, account) },
            { "cache-control": "max-age=300" },
          );
        default:
          return htmlAnswer(404, "There is nothing here");
      }
    },
  };
}
