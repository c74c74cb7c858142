import type { Deadline } from "../base/deadline.js";
import { isTalkdeskError, reduceCause, TalkdeskError } from "../base/errors.js";
import { type FetchFunction, type FetchResponse, noStore } from "../base/fetch-function.js";
import { DamagedBody, dropBody, readBody, UnreadableBody } from "../base/response-body.js";
import type { TalkdeskClient } from "../client/client.js";
import { isUnavailable, MAX_RESPONSE_BYTES, responseTooLarge, type TokenResponse } from "./token-response.js";

/**
 * What sending a request needs beside the request.
 * @internal
 */
export interface Sending {
  readonly limit: Deadline;
  readonly mask: (text: string) => string;
  /** Set once an answer has begun: the server has dealt with the request, even if the rest never arrives. */
  readonly progress: { hasBegun: boolean };
}

/**
 * Sends one request to the token endpoint and reads its answer.
 *
 * @throws (rejection)
 * - {@link TalkdeskError}: an answer has arrived, and is too large, cannot be read or was redirected.
 * - The signal's reason, when the deadline ends the call.
 * - Any other error is a fault of the network.
 * @internal
 */
export async function sendRequest(
  client: TalkdeskClient,
  headers: Headers,
  body: URLSearchParams,
  { limit, mask, progress }: Sending,
): Promise<TokenResponse> {
  const fetch: FetchFunction = client.fetch ?? globalThis.fetch;
  const response = await fetch(client.endpoints.token, {
    method: "POST",
    headers,
    body: body.toString(),
    redirect: "manual",
    signal: limit.signal,
    ...noStore(),
  });
  progress.hasBegun = true;
  const { status } = response;
  if (response.redirected) {
    // A fetch of the user's own that ignores `redirect`: the credentials may have gone elsewhere.
    dropBody(response);
    throw new TalkdeskError(
      "token_unexpected_response",
      'The fetch that sends token requests followed a redirect; it must honour redirect: "manual".',
    );
  }
  const answered = readHeaders(response);
  // A browser's fetch hides what it did not follow.
  if (response.type === "opaqueredirect") return { status: 302, headers: answered, body: new Uint8Array() };
  try {
    const answer = await readBody(response, MAX_RESPONSE_BYTES);
    if (answer === undefined) throw responseTooLarge(status);
    return { status, headers: answered, body: answer };
  } catch (error) {
    if (limit.signal.aborted || isTalkdeskError(error)) throw error;
    // The status says "later", whatever the body would have said.
    if (isUnavailable(status)) return { status, headers: answered, body: new Uint8Array() };
    if (!(error instanceof UnreadableBody)) throw error;
    throw new TalkdeskError(
      status === 200 && error instanceof DamagedBody ? "token_malformed" : "token_unexpected_response",
      `The token endpoint answered ${status}, but its body ${error.message}; check the fetch that sends token requests, and any proxy.`,
      { status, cause: reduceCause(error.cause, mask) },
    );
  }
}

/** The headers of a response of any `fetch`. A test double may have a plain object, or no headers. */
function readHeaders({ headers }: FetchResponse): Headers {
  const given: unknown = headers;
  if (typeof (given as Partial<Headers> | undefined)?.get === "function") return given as Headers;
  return new Headers((given ?? {}) as Record<string, string>);
}
