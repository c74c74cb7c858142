import {
  type AccessToken,
  type AuthorizedRequest,
  captureBody,
  discardBody,
  isTokenRefusal,
} from "@talkdesk-oauth/core";
import {
  type AxiosAdapter,
  type AxiosError,
  AxiosHeaders,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from "axios";
import type { ConfigSnapshot } from "./config-snapshot.js";
import { keepTokenInOrigin, noteEnd, observeFetch, type Trail } from "./redirect-trail.js";
import { removeTokenFromError } from "./remove-token.js";
import { copyHeaders, findAuthorization } from "./request-headers.js";
import type { WaitLimit } from "./wait-limit.js";

/** What both sendings of a request have in common, as it was before the first wait. */
export interface Outgoing {
  /** The caller's config, which errors and responses show. */
  readonly config: InternalAxiosRequestConfig;
  readonly snapshot: ConfigSnapshot;
  /** The options that are sent in place of the caller's. */
  readonly changes: Partial<InternalAxiosRequestConfig>;
  readonly headers: AxiosHeaders;
  /** The URL without `params`. */
  readonly href: string;
  readonly origin: string;
  readonly limit: WaitLimit;
  readonly send: AxiosAdapter;
}

/**
 * The result of one sending: a response, with the error that axios made from it if `validateStatus` rejects the status.
 */
export interface Outcome extends Trail {
  readonly response: AxiosResponse;
  readonly error: AxiosError | undefined;
}

/** A request with a token, as `sendAuthorized` sends it. */
export class AuthorizedCall implements AuthorizedRequest<Outcome> {
  readonly method: string;
  readonly isReplayable: boolean;
  readonly signal: AbortSignal | undefined;
  readonly #outgoing: Outgoing;
  readonly #body: unknown;
  /** The type of a form that became a `Blob`, which names its boundary. */
  readonly #bodyType: string | undefined;

  constructor(outgoing: Outgoing, { method = "GET", data }: InternalAxiosRequestConfig) {
    const { body, isReplayable } = captureBody<unknown>(data);
    this.method = method;
    this.isReplayable = isReplayable;
    this.signal = outgoing.limit.signal;
    this.#outgoing = outgoing;
    this.#body = body;
    this.#bodyType = body !== data && body instanceof Blob ? body.type : undefined;
  }

  async send(token: AccessToken): Promise<Outcome> {
    const { config, snapshot, changes, href, origin, limit, send } = this.#outgoing;
    const trail: Trail = { isRedirected: false, hasLeftOrigin: false };
    const headers = copyHeaders(this.#outgoing.headers);
    headers[findAuthorization(headers) ?? "Authorization"] = token.authorization;
    if (this.#bodyType !== undefined) headers.setContentType(this.#bodyType);
    const sent = Object.assign(snapshot.copy(), changes, limit.remaining());
    sent.headers = headers;
    sent.data = this.#body;
    sent.beforeRedirect = keepTokenInOrigin(sent.beforeRedirect, origin, token, trail);
    sent.env = observeFetch(sent.env);
    try {
      const response = await send(sent);
      noteEnd(response.request, href, trail);
      return { response, error: undefined, ...trail };
    } catch (error) {
      if (!isAxiosError(error)) throw error;
      noteEnd(error.request, href, trail);
      removeTokenFromError(error, config);
      limit.restate(error, sent);
      if (error.response === undefined) throw error;
      return { response: error.response, error, ...trail };
    }
  }

  isRefusal({ response, hasLeftOrigin }: Outcome): boolean {
    return response.status === 401 && isTokenRefusal(401, readChallenge(response)) && !hasLeftOrigin;
  }

  isRedirected({ isRedirected }: Outcome): boolean {
    return isRedirected;
  }

  discard({ response }: Outcome): Promise<void> {
    return discardBody(response.data);
  }
}

/** Reads the challenge of a response, whose headers a caller's own adapter may give in any form or leave out. */
function readChallenge({ headers }: AxiosResponse): string {
  return String(AxiosHeaders.from(headers as AxiosHeaders | undefined).get("www-authenticate") ?? "");
}
