import { retryAfterMs as waitAskedFor } from "@talkdesk-oauth/core";
import type { AxiosResponse } from "axios";

/** How long an answer asks to wait, in milliseconds; undefined when it does not. */
export function retryAfterMs({ headers, data }: AxiosResponse): number | undefined {
  const get = (name: string): string | null => (name in headers ? String(headers[name]) : null);
  return waitAskedFor({ get }, data, Date.now());
}
