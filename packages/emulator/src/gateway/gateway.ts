import { describeLeniency, type Laxity, type Leniency, makeLeniency } from "../base/laxity.js";
import type { Region } from "../base/region.js";
import { splitUrl } from "../base/split-url.js";
import type { Answer } from "../message/answer.js";
import { API_ERROR_CODES, apiError, methodNotAllowed } from "../message/api-error.js";
import type { RequestRecord } from "../message/request-record.js";
import type { ReportJobs } from "../reports/report-jobs.js";
import type { Host } from "../wire/host-server.js";
import type { Directory } from "../world/directory.js";
import type { IssuedToken, IssuedTokens } from "../world/issued-tokens.js";
import type { ApiOperation } from "./api-operation.js";
import { CONTACT_OPERATIONS } from "./contact-operations.js";
import { ECHO_OPERATIONS } from "./echo-operations.js";
import { REPORT_OPERATIONS } from "./report-operations.js";
import { USER_OPERATIONS } from "./user-operations.js";

/** The dependencies of the gateway of one region. */
export interface GatewayParts {
  readonly region: Region;
  readonly tokens: IssuedTokens;
  /** Gives the origin of the gateway, which is known when its server has started. */
  readonly getOrigin: () => string;
  readonly getDirectory: (region: Region, account: string) => Directory;
  readonly getReports: (region: Region, account: string) => ReportJobs;
  /** Operations of the emulator's user. They come before the built-in ones. */
  readonly operations: readonly ApiOperation[];
  /** What is accepted although the service does not document it. */
  readonly lenient: readonly Laxity[];
}

/** The limit for operations that name none. */
const MAX_BODY_BYTES = 64 * 1024;

/** Everything that every gateway can do. */
const BUILT_IN_OPERATIONS: readonly ApiOperation[] = [
  ...USER_OPERATIONS,
  ...CONTACT_OPERATIONS,
  ...REPORT_OPERATIONS,
  ...ECHO_OPERATIONS,
];

/** Makes the API gateway of one region. The first operation that matches path and method answers. */
export function makeGateway(parts: GatewayParts): Host {
  const { region, tokens, lenient, getOrigin, getDirectory, getReports } = parts;
  const operations = [...parts.operations, ...BUILT_IN_OPERATIONS];

  function findToken(authorization: string | undefined, leniency: Leniency): IssuedToken | undefined {
    // A service token stands alone. Other tokens follow their scheme, in any case of letters (RFC 9110 §11.1), and one
    // space. Every other form is refused, and so is a repeated header, which arrives joined with a comma.
    const bare = tokens.find(authorization ?? "");
    if (bare?.isBare) return bare;
    const token = findBearer(authorization);
    return token?.isBare === true && !leniency.permit("bearer-service-token") ? undefined : token;
  }

  function findBearer(authorization: string | undefined): IssuedToken | undefined {
    return tokens.find(/^Bearer ([^\s,]+)$/i.exec(authorization ?? "")?.[1] ?? "");
  }

  function answer(request: RequestRecord, leniency: Leniency): Answer | Promise<Answer> {
    const { path, query } = splitUrl(request.url);
    const candidates = operations.filter((operation) => operation.path.test(path));
    if (candidates.length === 0) {
      return notFound("The emulator has no operation with this path. Its option operations adds one.");
    }

    const { authorization } = request.headers;
    const token = findToken(authorization, leniency);
    const refusal = explainRefusal(token, authorization);
    if (token === undefined || refusal !== undefined) {
      return apiError(401, API_ERROR_CODES.unauthorized, "Unauthorized", { description: refusal ?? "" });
    }
    const operation = candidates.find(({ method }) => method === "ANY" || method === request.method);
    if (operation === undefined) {
      return methodNotAllowed([...new Set(candidates.map(({ method }) => method))].join(", "));
    }
    const { maxBodyBytes = MAX_BODY_BYTES, scope } = operation;
    if (request.bodyBytes > maxBodyBytes) {
      return apiError(413, API_ERROR_CODES.invalidRequest, "Payload too large", {
        description: `The body must not exceed ${maxBodyBytes} bytes.`,
      });
    }
    if (scope !== undefined && !token.scopes.includes(scope)) {
      return apiError(403, API_ERROR_CODES.insufficientScope, "Invalid scopes", {
        description: `The token needs the scope ${scope}.`,
      });
    }
    return operation.answer({
      request,
      token,
      parameters: operation.path.exec(path)?.slice(1) ?? [],
      query: new URLSearchParams(query),
      origin: getOrigin(),
      directory: getDirectory(region, token.account),
      reports: getReports(region, token.account),
    });
  }

  function explainRefusal(
    token: IssuedToken | undefined,
    authorization: string | undefined,
  ): string | undefined {
    if (token === undefined) {
      return findBearer(authorization)?.isBare === true
        ? `A service token must stand alone, without Bearer. ${describeLeniency("bearer-service-token")}`
        : "The request has no token that this gateway knows.";
    }
    if (token.region !== region) return "The token was issued in another region.";
    if (token.expiresAt <= Date.now()) return "The token has expired.";
    return tokens.isRevoked(token) ? "The token was revoked." : undefined;
  }

  return {
    foreignHost: notFound("The Host header names another host."),
    findDestination({ authorization }) {
      const token = findToken(authorization, makeLeniency(lenient));
      return { to: "api", region, ...(token !== undefined && { account: token.account }) };
    },
    async answer(request) {
      const leniency = makeLeniency(lenient);
      return { ...(await answer(request, leniency)), laxities: leniency.used };
    },
  };
}

function notFound(description: string): Answer {
  return apiError(404, API_ERROR_CODES.notFound, "Not found", { description });
}
