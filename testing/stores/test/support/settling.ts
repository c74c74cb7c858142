import { isTalkdeskError, type TalkdeskError } from "@talkdesk-oauth/core";

/** What a busy machine may add to a time limit. A call that hangs takes longer than this. */
const SLACK_MS = 15_000;

/**
 * Settles as a call does.
 *
 * @throws An `Error` (rejection) when the call takes so much longer than its time limit that it hangs.
 */
export async function settlesWithin<T>(limitMs: number, call: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const hangs = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The call hangs beyond ${limitMs} ms.`)), limitMs + SLACK_MS);
  });
  try {
    return await Promise.race([call, hangs]);
  } finally {
    clearTimeout(timer);
  }
}

/** The error of ours with which a call rejects. */
export async function failureOf(call: Promise<unknown>): Promise<TalkdeskError> {
  try {
    await call;
  } catch (error) {
    if (isTalkdeskError(error)) return error;
    throw error;
  }
  throw new Error("The call did not reject.");
}
