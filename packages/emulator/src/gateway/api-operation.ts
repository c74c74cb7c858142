import type { Answer } from "../message/answer.js";
import type { RequestRecord } from "../message/request-record.js";
import type { ReportJobs } from "../reports/report-jobs.js";
import type { Directory } from "../world/directory.js";
import type { IssuedToken } from "../world/issued-tokens.js";

/** One authorised call to a gateway. */
export interface ApiCall {
  readonly request: RequestRecord;
  readonly token: IssuedToken;
  /** What the groups of the operation's path have matched. */
  readonly parameters: readonly string[];
  readonly query: URLSearchParams;
  /** The gateway's origin, for links. */
  readonly origin: string;
  readonly directory: Directory;
  readonly reports: ReportJobs;
}

/** Something that a gateway can do. */
export interface ApiOperation {
  /** `ANY` takes every method. */
  readonly method: string;
  readonly path: RegExp;
  /** The scope that the token must have. Default: none. */
  readonly scope?: string;
  /** A longer body is refused. Default: 64 KiB. */
  readonly maximumBodyBytes?: number;
  readonly answer: (call: ApiCall) => Answer;
}
