import type { Answer } from "../message/answer.js";
import type { RequestRecord } from "../message/request-record.js";
import type { ReportJobs } from "../reports/report-jobs.js";
import type { Directory } from "../world/directory.js";
import type { IssuedToken } from "../world/issued-tokens.js";

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
  readonly answer: (call: ApiCall) => Answer | Promise<Answer>;
}
