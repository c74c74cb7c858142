/** The formats of reports. */
export type ReportFormat = "csv" | "json" | "json_bulk";

/** Every {@link ReportFormat}. */
export const REPORT_FORMATS: readonly ReportFormat[] = Object.freeze(["csv", "json", "json_bulk"]);

/** The period of a report, in epoch milliseconds. `to` is not included. */
export interface ReportPeriod {
  readonly from: number;
  readonly to: number;
}

/** What a client asks for. */
export interface ReportRequest {
  /** The name of the report, such as `calls`. */
  readonly type: string;
  readonly name: string;
  readonly format: ReportFormat;
  readonly timezone?: string;
  /** As it was asked for. */
  readonly timespan?: unknown;
  readonly period: ReportPeriod;
}

/** A report job of Explore. */
export interface ReportJob extends ReportRequest {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** How often a client has polled it. */
  polls: number;
}
