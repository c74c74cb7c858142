import type { Answer } from "../message/answer.js";
import type { RequestRecord } from "../message/request-record.js";
import type { ReportJobs } from "../reports/report-jobs.js";
import type { Directory } from "../world/directory.js";
import type { IssuedToken } from "../world/issued-tokens.js";
import type { ScimUsers } from "../world/scim-users.js";

/** One authorised call to a gateway. */
export interface ApiCall {
  readonly request: RequestRecord;
  readonly token: IssuedToken;
  /** The groups of {@link ApiOperation.path}, in order. */
  readonly parameters: readonly string[];
  readonly query: URLSearchParams;
  /** The origin of the gateway, for links. */
  readonly origin: string;
  readonly directory: Directory;
  readonly reports: ReportJobs;
  readonly scimUsers: ScimUsers;
  /** Makes a URL on the files host that gives a file of the account for a while, from its path. */
  readonly makeFileUrl: (path: string) => string;
  /** The identifier of the account: 24 hexadecimal digits. */
  readonly accountId: string;
  /** The time of the service, in epoch milliseconds. */
  readonly now: number;
}

/** An operation of the API. */
export interface ApiOperation {
  /** `ANY` stands for every method. */
  readonly method: string;
  readonly path: RegExp;
  /** The scope that the token needs. Default: none. */
  readonly scope?: string;
  /** A longer body is refused with 413. Default: 64 KiB. */
  readonly maxBodyBytes?: number;
  /** Makes the answer to a request that is not authorised. Default: the error that most operations give. */
  readonly refuse?: (status: number, description: string) => Answer;
  readonly answer: (call: ApiCall) => Answer | Promise<Answer>;
}
