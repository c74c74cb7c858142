import type { Region } from "../base/region.js";
import { splitUrl } from "../base/split-url.js";
import type { Answer } from "../message/answer.js";
import { API_ERROR_CODES, apiError, methodNotAllowed } from "../message/api-error.js";
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
}

/** The limit for operations that name none. */
const MAX_BODY_BYTES = 64 * 1024;

/** Everything that a gateway can do. The first operation that matches path and method answers. */
const OPERATIONS: readonly ApiOperation[] = [
  ...USER_OPERATIONS,
  ...CONTACT_OPERATIONS,
  ...REPORT_OPERATIONS,
  ...ECHO_OPERATIONS,
];

/** Makes the API gateway of one region. */
export function makeGateway({ region, tokens, getOrigin, getDirectory, getReports }: GatewayParts): Host {
  function findToken(authorization: string | undefined): IssuedToken | undefined {
    // A service token stands alone. Other tokens follow their scheme, in any case of letters (RFC 9110 §11.1), and one
    // space. Every other form is refused, and so is a repeated header, which arrives joined with a comma.
    const bare = tokens.find(authorization ?? "");
    if (bare?.isBare) return bare;
    const token = tokens.find(/^Bearer ([^\s,]+)$/i.exec(authorization ?? "")?.[1] ?? "");
    return token?.isBare === false ? token : undefined;
  }

  return {
    foreignHost: notFound("The Host header names another host."),
    findDestination({ authorization }) {
      const token = findToken(authorization);
      return { to: "api", region, ...(token !== undefined && { account: token.account }) };
    },
    answer(request): Answer {
      const { path, query } = splitUrl(request.url);
      const candidates = OPERATIONS.filter((operation) => operation.path.test(path));
      if (candidates.length === 0) return notFound();

      const token = findToken(request.headers["authorization"]);
      const refusal = explainRefusal(token);
      if (token === undefined || refusal !== undefined) {
        return apiError(401, API_ERROR_CODES.unauthorized, "Unauthorized", { description: refusal ?? "" });
      }
      const operation = candidates.find(({ method }) => method === "ANY" || method === request.method);
      if (operation === undefined) {
        return methodNotAllowed(candidates.map(({ method }) => method).join(", "));
      }
      if (request.bodyBytes > (operation.maxBodyBytes ?? MAX_BODY_BYTES)) {
        return apiError(413, API_ERROR_CODES.invalidRequest, "Payload too large", {
          description: `The body must not exceed ${MAX_BODY_BYTES} bytes.`,
        });
      }
      if (operation.scope !== undefined && !token.scopes.includes(operation.scope)) {
        return apiError(403, API_ERROR_CODES.insufficientScope, "Invalid scopes", {
          description: `The token needs the scope ${operation.scope}.`,
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
    },
  };

  function explainRefusal(token: IssuedToken | undefined): string | undefined {
    if (token === undefined) return "The request has no token that this gateway knows.";
    if (token.region !== region) return "The token was issued in another region.";
    if (token.expiresAt <= Date.now()) return "The token has expired.";
    return tokens.isRevoked(token) ? "The token was revoked." : undefined;
  }
}

function notFound(description?: string): Answer {
  return apiError(
    404,
    API_ERROR_CODES.notFound,
    "Not found",
    description === undefined ? {} : { description },
  );
}
