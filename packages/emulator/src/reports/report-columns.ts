import type { User } from "../world/directory.js";
import { findRecordingOfCall } from "../world/recordings.js";

/** One interaction, from which the rows of every report are made. */
export interface ReportRow {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly seconds: number;
  /** At most `seconds`. */
  readonly waitSeconds: number;
  readonly isInbound: boolean;
  /** Any number, to choose a text with. */
  readonly choice: number;
  readonly user: User;
  readonly talkdeskNumber: string;
  readonly contactNumber: string;
}

/** A column: its name, and its value in a row. No value has a comma, a quote or a line break, which CSV would escape. */
export type ReportColumn = readonly [name: string, getValue: (row: ReportRow) => string | number | boolean];

// The names and the forms of times are those that public code reads. Real reports have more columns.
const CALLS: readonly ReportColumn[] = [
  ["call_id", ({ id }) => id],
  ["type", ({ isInbound }) => (isInbound ? "inbound" : "outbound")],
  ["start_at", ({ startedAt }) => toIsoTime(startedAt)],
  ["end_at", (row) => toIsoTime(getEnd(row))],
  ["talkdesk_phone_number", ({ talkdeskNumber }) => talkdeskNumber],
  ["contact_phone_number", ({ contactNumber }) => contactNumber],
  ["user_id", ({ user }) => user.id],
  ["user_name", ({ user }) => user.name],
  ["user_email", ({ user }) => user.email],
  ["total_time", ({ seconds }) => seconds],
  ["talk_time", ({ seconds, waitSeconds }) => seconds - waitSeconds],
  ["wait_time", ({ waitSeconds }) => waitSeconds],
  ["recording_url", ({ id }) => `/recordings/${findRecordingOfCall(id)?.id}`],
];

const CONTACTS: readonly ReportColumn[] = [
  ["interaction_id", ({ id }) => id],
  ["contact_id", ({ id }) => rotate(id)],
  ["company_number", ({ talkdeskNumber }) => talkdeskNumber],
  ["contact_person_number", ({ contactNumber }) => contactNumber],
  ["direction", ({ isInbound }) => (isInbound ? "IN" : "OUT")],
  ["contact_type", () => "Answered"],
  ["started_at", ({ startedAt }) => toPlainTime(startedAt)],
  ["finished_at", (row) => toPlainTime(getEnd(row))],
  ["wait_time", ({ waitSeconds }) => waitSeconds],
  ["talk_time", ({ seconds, waitSeconds }) => seconds - waitSeconds],
  ["duration", ({ seconds }) => seconds],
  ["user_id", ({ user }) => user.id],
  ["user_name", ({ user }) => user.name],
];

const RING_ATTEMPTS: readonly ReportColumn[] = [
  ["interaction_id", ({ id }) => id],
  ["contact_id", ({ id }) => rotate(id)],
  ["ring_attempt_id", ({ id }) => rotate(rotate(id))],
  ["attempt_type", ({ choice }) => pick(["Answered", "Ignored", "Rejected"], choice)],
  ["ring_started_at_time", ({ startedAt }) => toPlainTime(startedAt)],
  ["ring_finished_at_time", ({ startedAt, waitSeconds }) => toPlainTime(startedAt + waitSeconds * 1000)],
  ["ring_attempt_duration", ({ waitSeconds }) => waitSeconds],
  ["user_name", ({ user }) => user.name],
  ["user_email", ({ user }) => user.email],
];

const USER_STATUS: readonly ReportColumn[] = [
  ["user_id", ({ user }) => user.id],
  ["user_name", ({ user }) => user.name],
  ["user_email", ({ user }) => user.email],
  ["status_label", ({ choice }) => pick(["Available", "On a Call", "After Call Work", "Away"], choice)],
  ["status_start_at", ({ startedAt }) => toPlainTime(startedAt)],
  ["status_end_at", (row) => toPlainTime(getEnd(row))],
  ["status_time", ({ seconds }) => seconds],
  ["is_user_active", () => true],
];

const STUDIO_FLOW_EXECUTION: readonly ReportColumn[] = [
  ["call_sid", ({ id }) => `CA${id}`],
  ["interaction_id", ({ id }) => id],
  ["destination_number", ({ talkdeskNumber }) => talkdeskNumber],
  ["origin_number", ({ contactNumber }) => contactNumber],
  ["flow_name", () => "Emulated flow"],
  ["flow_id", () => "0".repeat(32)],
  ["component_title", ({ choice }) => pick(["Play audio", "Menu", "Assignment"], choice)],
  ["step_name", ({ choice }) => pick(["Welcome", "Choice", "Queue"], choice)],
  ["exit", () => "ok"],
  ["time_in_step", ({ waitSeconds }) => waitSeconds],
  ["timestamp", ({ startedAt }) => toPlainTime(startedAt)],
  ["step_execution_order", () => 0],
];

const ANY_REPORT: readonly ReportColumn[] = [
  ["id", ({ id }) => id],
  ["started_at", ({ startedAt }) => toPlainTime(startedAt)],
  ["finished_at", (row) => toPlainTime(getEnd(row))],
  ["duration", ({ seconds }) => seconds],
  ["user_id", ({ user }) => user.id],
  ["user_name", ({ user }) => user.name],
  ["user_email", ({ user }) => user.email],
];

const COLUMNS: ReadonlyMap<string, readonly ReportColumn[]> = new Map([
  ["calls", CALLS],
  ["contacts", CONTACTS],
  ["ring_attempts", RING_ATTEMPTS],
  ["user_status", USER_STATUS],
  ["studio_flow_execution", STUDIO_FLOW_EXECUTION],
]);

/** Gives the columns of a report. Types that are not known here have the columns of any report. */
export function getReportColumns(type: string): readonly ReportColumn[] {
  return COLUMNS.get(type) ?? ANY_REPORT;
}

function getEnd({ startedAt, seconds }: ReportRow): number {
  return startedAt + seconds * 1000;
}

/** Gives another identifier of the same form. */
function rotate(id: string): string {
  return id.slice(1) + id.slice(0, 1);
}

function pick(texts: readonly string[], choice: number): string {
  return texts[choice % texts.length] ?? "";
}

function toIsoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function toPlainTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}
