import { retryAfterMs } from "@talkdesk-oauth/core";

/** Talkdesk's API refused a call, or could not be reached. Holds nothing of the request. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  /** What was answered; undefined when nothing was. */
  readonly status: number | undefined;
  /** How long the answer asks to wait, in seconds. */
  readonly retryAfterSeconds: number | undefined;

  /** @param what What was asked for, such as "your contacts". */
  constructor(what: string, response?: Response) {
    super(
      response === undefined
        ? `Talkdesk's API could not be reached for ${what}.`
        : `Talkdesk's API answered the request for ${what} with ${response.status}.`,
    );
    this.status = response?.status;
    this.retryAfterSeconds = response && retryAfterSeconds(response);
  }
}

/** What an API call takes beside the path. */
export interface ApiCallOptions extends RequestInit {
  /** What is asked for, in the words of the person who waits for it. */
  readonly what: string;
}

const timeoutMs = 15_000;

/**
 * Sends one request to Talkdesk's API and has its answer read, both within 15 s.
 *
 * @param read What to make of the answer. It may resolve with a body that is still to come: that takes its own time.
 * @throws {@link ApiFailure} (rejection) when the network fails or is too slow; a `TalkdeskError` when there is no token
 *   to send.
 */
export async function callApi<T>(
  fetch: typeof globalThis.fetch,
  path: string,
  { what, signal, ...init }: ApiCallOptions,
  read: (response: Response) => T | Promise<T>,
): Promise<T> {
  // Not a signal of AbortSignal.timeout, which would cut the body of a long answer as well.
  const tooLate = new AbortController();
  const timer = setTimeout(() => tooLate.abort(), timeoutMs);
  try {
    const signals = signal ? AbortSignal.any([signal, tooLate.signal]) : tooLate.signal;
    return await read(await fetch(path, { ...init, signal: signals }));
  } catch (error) {
    if (error instanceof TypeError || (tooLate.signal.aborted && !signal?.aborted))
      throw new ApiFailure(what);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Sends one request and reads the answer's JSON.
 *
 * @throws {@link ApiFailure} (rejection) when the answer is no success, or no JSON object.
 */
export function callForJson(
  fetch: typeof globalThis.fetch,
  path: string,
  options: ApiCallOptions,
): Promise<JsonObject> {
  return callApi(fetch, path, options, async (response) => {
    if (!response.ok) {
      await response.body?.cancel();
      throw new ApiFailure(options.what, response);
    }
    const body = await readJson(response);
    if (body === undefined) throw new ApiFailure(options.what, response);
    return body;
  });
}

/** A JSON object of somebody else: its members may be anything. */
export type JsonObject = Readonly<Record<string, unknown>>;

const mostBytes = 4 * 1024 * 1024;

/** Reads a body; undefined when it is no JSON object, or more than 4 MiB of it. */
export async function readJson({ body }: Response): Promise<JsonObject | undefined> {
  if (body === null) return undefined;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the rest.
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > mostBytes) return undefined;
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Tells whether a value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The objects of a list; none when it is no list. */
export function objectsIn(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** A text; empty for any other value. */
export function textIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function retryAfterSeconds({ headers }: Response): number | undefined {
  const ms = retryAfterMs(headers, undefined, Date.now());
  return ms === undefined ? undefined : Math.ceil(ms / 1000);
}
