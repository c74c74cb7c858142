import { type Laxity, type Leniency, makeLeniency } from "../base/laxity.js";
import type { Region } from "../base/region.js";
import { splitUrl } from "../base/split-url.js";
import type { Answer } from "../message/answer.js";
import { API_ERROR_CODES, apiError, methodNotAllowed } from "../message/api-error.js";
import type { RequestRecord } from "../message/request-record.js";
import type { ReportJobs } from "../reports/report-jobs.js";
import type { Host } from "../wire/host-server.js";
import type { Directory } from "../world/directory.js";
import type { IssuedTokens } from "../world/issued-tokens.js";
import { explainRefusal, findPresentedToken } from "../world/presented-token.js";
import type { ScimUsers } from "../world/scim-users.js";
import { ACCOUNT_OPERATIONS } from "./account-operations.js";
import type { ApiOperation } from "./api-operation.js";
import { CALLBACK_OPERATIONS } from "./callback-operations.js";
import { CONTACT_OPERATIONS } from "./contact-operations.js";
import { ECHO_OPERATIONS } from "./echo-operations.js";
import { PHONE_OPERATIONS } from "./phone-operations.js";
import { RECORDING_OPERATIONS } from "./recording-operations.js";
import { REPORT_OPERATIONS } from "./report-operations.js";
import { SCIM_OPERATIONS } from "./scim-operations.js";
import { USER_OPERATIONS } from "./user-operations.js";

/** The dependencies of the gateway of one region. */
export interface GatewayParts {
  readonly region: Region;
  readonly tokens: IssuedTokens;
  /** Gives the origin of the gateway, which is known when its server has started. */
  readonly getOrigin: () => string;
  readonly getDirectory: (region: Region, account: string) => Directory;
  readonly getReports: (region: Region, account: string) => ReportJobs;
  readonly getScimUsers: (region: Region, account: string) => ScimUsers;
  readonly makeFileUrl: (region: Region, account: string, path: string) => string;
  readonly getAccountId: (account: string) => string;
  /** The time of the service, in epoch milliseconds. */
  readonly now: () => number;
  /** Operations of the emulator's user. They come before the built-in ones. */
  readonly operations: readonly ApiOperation[];
  /** What is accepted although the service does not document it. */
  readonly lenient: readonly Laxity[];
}

/** The limit for operations that name none. */
const MAX_BODY_BYTES = 64 * 1024;

/** Everything that every gateway can do. */
const BUILT_IN_OPERATIONS: readonly ApiOperation[] = [
  ...ACCOUNT_OPERATIONS,
  ...USER_OPERATIONS,
  ...SCIM_OPERATIONS,
  ...CONTACT_OPERATIONS,
  ...CALLBACK_OPERATIONS,
  ...RECORDING_OPERATIONS,
  ...PHONE_OPERATIONS,
  ...REPORT_OPERATIONS,
  ...ECHO_OPERATIONS,
];

/** Makes the API gateway of one region. The first operation that matches path and method answers. */
export function makeGateway(parts: GatewayParts): Host {
  const { region, tokens, lenient } = parts;
  const operations = [...parts.operations, ...BUILT_IN_OPERATIONS];

  function answer(request: RequestRecord, leniency: Leniency): Answer | Promise<Answer> {
    const { path, query } = splitUrl(request.url);
    const candidates = operations.filter((operation) => operation.path.test(path));
    if (candidates.length === 0) {
      return notFound("The emulator has no operation with this path. Its option operations adds one.");
    }

    const { authorization } = request.headers;
    const token = findPresentedToken(tokens, authorization, leniency);
    const refusal = explainRefusal(tokens, region, token, authorization);
    if (token === undefined || refusal !== undefined) {
      return refuse(candidates[0], 401, refusal ?? "");
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
      return refuse(operation, 403, `The token needs the scope ${scope}.`);
    }
    const { account } = token;
    return operation.answer({
      request,
      token,
      parameters: operation.path.exec(path)?.slice(1) ?? [],
      query: new URLSearchParams(query),
      origin: parts.getOrigin(),
      directory: parts.getDirectory(region, account),
      reports: parts.getReports(region, account),
      // A getter, because most calls do not need them, and they take a while to make.
      get scimUsers() {
        return parts.getScimUsers(region, account);
      },
      makeFileUrl: (file) => parts.makeFileUrl(region, account, file),
      accountId: parts.getAccountId(account),
      now: parts.now(),
    });
  }

  return {
    foreignHost: notFound("The Host header names another host."),
    findDestination({ authorization }) {
      const token = findPresentedToken(tokens, authorization, makeLeniency(lenient));
      return { to: "api", region, ...(token !== undefined && { account: token.account }) };
    },
    async answer(request) {
      const leniency = makeLeniency(lenient);
      return { ...(await answer(request, leniency)), laxities: leniency.used };
    },
  };
}

function refuse(operation: ApiOperation | undefined, status: 401 | 403, description: string): Answer {
  if (operation?.refuse !== undefined) return operation.refuse(status, description);
  return status === 401
    ? apiError(401, API_ERROR_CODES.unauthorized, "Unauthorized", { description })
    : apiError(403, API_ERROR_CODES.insufficientScope, "Invalid scopes", { description });
}

function notFound(description: string): Answer {
  return apiError(404, API_ERROR_CODES.notFound, "Not found", { description });
}
