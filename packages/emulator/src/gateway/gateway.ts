import type { Region } from "../base/region.js";
import type { Answer } from "../message/answer.js";
import { apiError, apiErrorCodes } from "../message/api-error.js";
import type { ReportJobs } from "../reports/report-jobs.js";
import type { Host } from "../wire/host-server.js";
import type { Directory } from "../world/directory.js";
import type { IssuedToken, IssuedTokens } from "../world/issued-tokens.js";
import type { ApiOperation } from "./api-operation.js";
import { contactOperations } from "./contact-operations.js";
import { echoOperations } from "./echo-operations.js";
import { reportOperations } from "./report-operations.js";
import { userOperations } from "./user-operations.js";

/** What the gateway of one region works with. */
export interface GatewayParts {
  readonly region: Region;
  readonly tokens: IssuedTokens;
  /** The gateway's origin; known when the server has started. */
  readonly origin: () => string;
  readonly directoryOf: (region: Region, account: string) => Directory;
  readonly reportsOf: (region: Region, account: string) => ReportJobs;
}

/** For operations that name no other limit. */
const maximumBodyBytes = 64 * 1024;

const operations: readonly ApiOperation[] = [
  ...userOperations,
  ...contactOperations,
  ...reportOperations,
  ...echoOperations,
];

/** Makes the API gateway of one region. */
export function gateway({ region, tokens, origin, directoryOf, reportsOf }: GatewayParts): Host {
  function findToken(authorization: string | undefined): IssuedToken | undefined {
    // The scheme in any case (RFC 9110 §11.1), one space, the token: whatever differs is refused, as a repeated header
    // is. Service tokens stand alone.
    const bare = tokens.find(authorization ?? "");
    if (bare?.isBare) return bare;
    const token = tokens.find(/^Bearer ([^\s,]+)$/i.exec(authorization ?? "")?.[1] ?? "");
    return token?.isBare === false ? token : undefined;
  }

  return {
    foreignHost: notFound("The Host header names another host."),
    destination({ authorization }) {
      const token = findToken(authorization);
      return { to: "api", region, ...(token !== undefined && { account: token.account }) };
    },
    answer(request): Answer {
      const path = request.url.split("?", 1)[0] ?? "/";
      const candidates = operations.filter((operation) => operation.path.test(path));
      if (candidates.length === 0) return notFound();

      const token = findToken(request.headers["authorization"]);
      const reason = refusalOf(token);
      if (token === undefined || reason !== undefined) {
        return apiError(401, apiErrorCodes.unauthorized, "Unauthorized", { description: reason ?? "" });
      }
      const operation = candidates.find(({ method }) => method === "ANY" || method === request.method);
      if (operation === undefined) return methodNotAllowed(candidates);
      if (request.bodyBytes > (operation.maximumBodyBytes ?? maximumBodyBytes)) {
        return apiError(413, apiErrorCodes.invalidRequest, "Payload too large", {
          description: `The body must not exceed ${maximumBodyBytes} bytes.`,
        });
      }
      if (operation.scope !== undefined && !token.scopes.includes(operation.scope)) {
        return apiError(403, apiErrorCodes.insufficientScope, "Invalid scopes", {
          description: `The token lacks the scope ${operation.scope}.`,
        });
      }
      return operation.answer({
        request,
        token,
        parameters: operation.path.exec(path)?.slice(1) ?? [],
        query: new URLSearchParams(request.url.split(/\?(.*)/s)[1] ?? ""),
        origin: origin(),
        directory: directoryOf(region, token.account),
        reports: reportsOf(region, token.account),
      });
    },
  };

  function refusalOf(token: IssuedToken | undefined): string | undefined {
    if (token === undefined) return "There is no token that this gateway knows.";
    if (token.region !== region) return "The token was issued in another region.";
    if (token.expiresAt <= Date.now()) return "The token has expired.";
    return tokens.isRevoked(token) ? "The token was revoked." : undefined;
  }
}

function notFound(description?: string): Answer {
  return apiError(404, apiErrorCodes.notFound, "Not found", description === undefined ? {} : { description });
}

function methodNotAllowed(candidates: readonly ApiOperation[]): Answer {
  const answer = apiError(405, apiErrorCodes.methodNotAllowed, "Method not allowed");
  return {
    ...answer,
    headers: { ...answer.headers, allow: candidates.map(({ method }) => method).join(", ") },
  };
}
