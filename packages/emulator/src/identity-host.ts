import { type Answer, htmlAnswer, jsonAnswer } from "./answer.js";
import { answerAuthorizeRequest } from "./authorize-endpoint.js";
import type { ClientRegistry } from "./clients.js";
import type { Directory } from "./directory.js";
import type { Engine } from "./engine.js";
import type { Destination, Host } from "./host-server.js";
import type { IssuedTokens } from "./issued-tokens.js";
import { authorizeError } from "./oauth-error.js";
import { isRegion, type Region } from "./region.js";
import type { RequestTarget } from "./request-record.js";
import type { Seed } from "./seed.js";
import { answerTokenRequest } from "./token-endpoint.js";

/** What the identity host works with. */
export interface IdentityHostParts {
  readonly seed: Seed;
  readonly accounts: readonly string[];
  readonly clients: ClientRegistry;
  readonly tokens: IssuedTokens;
  readonly engineOf: (region: Region, account: string) => Engine;
  readonly directoryOf: (region: Region, account: string) => Directory;
}

const endpoints: Readonly<Record<string, RequestTarget>> = {
  "oauth/token": "token",
  "oauth/authorize": "authorize",
  "oauth/2023-10/certs": "jwks",
  "oauth/certs": "jwks",
};

/** Makes the identity host of all regions and accounts: `/{region}/{account}` stands for a host name of the service. */
export function identityHost(parts: IdentityHostParts): Host {
  function destination(path: string): Destination {
    const [, region = "", account = "", endpoint = ""] = /^\/([^/]+)\/([^/]+)\/(.*)$/.exec(path) ?? [];
    if (!isRegion(region)) return { to: "other" };
    return { to: endpoints[endpoint] ?? "other", region, account };
  }

  return {
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
          });
        case "jwks":
          if (request.method !== "GET" && request.method !== "HEAD") {
            return authorizeError(405, "invalid_request", "The keys are read with GET.");
          }
          return jsonAnswer(200, parts.engineOf(region, account).jwks, { "cache-control": "max-age=300" });
        default:
          return htmlAnswer(404, "There is nothing here");
      }
    },
  };
}
