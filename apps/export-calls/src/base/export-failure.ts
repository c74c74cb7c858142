import { findTalkdeskError } from "@talkdesk-oauth/core";
import { type AxiosResponse, isAxiosError } from "axios";

/** The export failed. The message is one sentence for the person who runs it. */
export class ExportFailure extends Error {
  override readonly name = "ExportFailure";
}

/**
 * Describes a request that Talkdesk refused.
 *
 * @param request The request as a part of the sentence, such as "the request for a report".
 */
export function describeRefusal(request: string, { status, data }: AxiosResponse): ExportFailure {
  const { code } = Object(data) as { readonly code?: unknown };
  const coded = /^\d{7}$/.test(String(code)) ? ` (code ${code})` : "";
  const advice = ADVICE[status] ?? "";
  return new ExportFailure(`Talkdesk answered ${request} with ${status}${coded}${advice}.`);
}

const ADVICE: Readonly<Record<number, string>> = {
  400: "; check --from and --to: a report spans a month at most",
  401: "; check that client and region belong together",
  403: "; the client needs the scopes data-reports:read and data-reports:write",
};

/** Describes any error in one sentence, with the hints of a TalkdeskError. */
export function describeError(error: unknown): string {
  const fault = findTalkdeskError(error);
  if (fault !== undefined) return [fault.message, ...fault.hints].join(" ");
  // The message may quote the address of the file with its signature.
  if (isAxiosError(error)) return `Talkdesk could not be reached (${error.code ?? "unknown error"}).`;
  const { message = "", code, path } = Object(error) as NodeJS.ErrnoException;
  if (code !== undefined && path !== undefined) return `${path} cannot be written (${code}).`;
  return code === "ENOSPC" ? "The disk is full." : (message.split("\n", 1)[0] ?? "");
}
