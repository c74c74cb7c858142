import {
  type AccessToken,
  type AuthorizedRequest,
  discardBody,
  isRefusalError,
  isTokenRefusal,
  type RequestBody,
} from "@talkdesk-oauth/core";
import type { AuthorizedHeaders, HeadersSnapshot, PreparedHeaders } from "./headers.js";
import type { RequestSnapshot } from "./read-request.js";

type Body = RequestInit["body"];

/** A request as it was when `fetch` was called, apart from its body. */
export interface Outgoing {
  /** The `fetch` beneath. */
  readonly send: typeof fetch;
  /** An absolute URL, or the caller's own object. */
  readonly target: Parameters<typeof fetch>[0];
  readonly copy: RequestSnapshot["copy"];
  /** Where the token is sent. */
  readonly origin: string;
  readonly settings: RequestInit;
  readonly headers: HeadersSnapshot | undefined;
  readonly authorizedHeaders: AuthorizedHeaders;
  readonly method: string;
  readonly signal: AbortSignal | undefined;
}

/** A request of `fetch`, as `sendAuthorized` sends it. */
export class FetchRequest implements AuthorizedRequest<Response> {
  readonly method: string;
  readonly isReplayable: boolean;
  readonly signal: AbortSignal | undefined;
  readonly #outgoing: Outgoing;
  readonly #body: Body;
  /** The headers of the first sending, made before a token is asked for, so that wrong ones are refused at once. */
  #prepared: PreparedHeaders | undefined;
  /** True when a layer beneath has thrown for a status and hidden whether a redirect led to it. */
  #isRouteUnknown = false;

  /** @throws TypeError for a header that is not allowed. */
  constructor(outgoing: Outgoing, { body, isReplayable }: RequestBody<Body>) {
    this.method = outgoing.method;
    this.isReplayable = isReplayable;
    this.signal = outgoing.signal;
    this.#outgoing = outgoing;
    this.#body = body;
    this.#prepared = outgoing.authorizedHeaders.prepare(outgoing.headers);
  }

  send({ authorization }: AccessToken): Promise<Response> {
    const { send, target, copy, settings, headers, authorizedHeaders, signal } = this.#outgoing;
    const prepared = this.#prepared ?? authorizedHeaders.prepare(headers);
    this.#prepared = undefined;
    const authorized = authorizedHeaders.authorize(prepared, authorization);
    const sent: RequestInit & { duplex?: "half" } = { ...settings, headers: authorized };
    if (copy !== undefined && signal !== undefined) sent.signal = signal;
    if (this.#body != null && this.#body !== settings.body) sent.body = this.#body;
    // A body that can be sent once may be a stream, which fetch takes with this option only.
    if (this.#body != null && !this.isReplayable) sent.duplex = "half";
    return send(copy?.() ?? target, sent);
  }

  answerIn(error: unknown): Response | undefined {
    if (!isRefusalError(error)) return undefined;
    const response = findResponse(error);
    const { redirect = "" } = this.#outgoing.settings;
    this.#isRouteUnknown = response === undefined && !/^(?:manual|error)$/.test(redirect);
    return response ?? new Response(null, { status: 401 });
  }

  isRefusal(response: Response): boolean {
    return (
      response.status === 401 &&
      isTokenRefusal(response.status, response.headers.get("www-authenticate")) &&
      (!response.redirected || new URL(response.url).origin === this.#outgoing.origin)
    );
  }

  isRedirected(response: Response): boolean {
    return response.redirected || this.#isRouteUnknown;
  }

  discard(response: Response): Promise<void> {
    return discardBody(response.body);
  }
}

/** The response in an error that the `fetch` beneath has thrown for a status. */
function findResponse(error: unknown): Response | undefined {
  const { response } = error as { readonly response?: Partial<Response> };
  return typeof response?.headers?.get === "function" ? (response as Response) : undefined;
}
