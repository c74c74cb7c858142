import { retryAfterMs } from "@talkdesk-oauth/core";

/** Talkdesk's API refused a call, or could not be reached. It holds nothing of the request. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  /** The status of the answer; undefined when there was none. */
  readonly status: number | undefined;
  /** How long the answer asks to wait, in seconds. */
  readonly retryAfterSeconds: number | undefined;

  /** @param what What the request was for, such as "your contacts". */
  constructor(what: string, response?: Response) {
    super(
      response === undefined
        ? `Talkdesk's API could not be reached for ${what}.`
        : `Talkdesk's API answered the request for ${what} with ${response.status}.`,
    );
    this.status = response?.status;
    const waitMs = response && retryAfterMs(response.headers);
    this.retryAfterSeconds = waitMs === undefined ? undefined : Math.ceil(waitMs / 1_000);
  }
}

/** Options of {@link callApi}. */
export interface ApiCallOptions extends RequestInit {
  /** What the request is for, such as "your contacts": a part of error messages. */
  readonly what: string;
}

/** Longer than a slow answer takes, and shorter than people wait for a page. */
const TIMEOUT_MS = 15_000;

/**
 * Sends one request to Talkdesk's API and reads its answer, both within 15 s.
 *
 * @param read Reads the answer. It may return a body that is still arriving, which has no time limit.
 * @throws
 * - {@link ApiFailure} (rejection) when the network fails or the answer takes too long;
 * - `TalkdeskError` (rejection) when there is no token to send.
 */
export async function callApi<T>(
  fetch: typeof globalThis.fetch,
  path: string,
  { what, signal, ...init }: ApiCallOptions,
  read: (response: Response) => T | Promise<T>,
): Promise<T> {
  // AbortSignal.timeout could not be stopped, and would also cut a long download.
  const tooLate = new AbortController();
  const timer = setTimeout(() => tooLate.abort(), TIMEOUT_MS);
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
 * Sends one request and reads the JSON of its answer.
 *
 * @throws {@link ApiFailure} (rejection) when the status is not 2xx or the body is not a JSON object.
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

/** A JSON object whose members may have any type. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** More than any page of the API, and little enough to keep in memory. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Reads a JSON object; undefined when the body is something else, or longer than 4 MiB. */
export async function readJson({ body }: Response): Promise<JsonObject | undefined> {
  if (body === null) return undefined;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the rest.
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** True for a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads the objects of a list; other values give an empty list. */
export function readObjects(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Reads a text; other values give an empty one. */
export function readText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
