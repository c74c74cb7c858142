import { causesOf } from "./causes.js";

/**
 * What went wrong: the closed set of codes of a {@link TalkdeskError}. A mistake of the programmer, such as a wrong
 * option, has no code: the function that gets it throws a `TypeError`.
 */
export type TalkdeskErrorCode =
  // The token endpoint could not be reached, did not answer in time, or answered 429 or 5xx.
  | "token_network"
  | "token_timeout"
  | "token_unavailable"
  // The token endpoint's answer is not OAuth, or breaks the protocol.
  | "token_unexpected_response"
  | "token_malformed"
  | "response_too_large"
  | "unsupported_token_type"
  // The token endpoint refused the client, or its request.
  | "client_refused"
  | "request_refused"
  // A function that looks up a secret or a key threw, or did not answer in time.
  | "credentials_unavailable"
  // The API refused a token and then refused its replacement.
  | "token_refused"
  // The user must log in again; a refresh token was sent and the answer was lost.
  | "reauthentication_required"
  | "refresh_outcome_unknown"
  // `close()` or `end()` was called.
  | "source_closed"
  // The token store failed, holds a record that cannot be read, or is locked for too long.
  | "store_unavailable"
  | "store_corrupt"
  | "lock_timeout"
  // A login was denied, failed, or cannot be trusted.
  | "authorization_denied"
  | "authorization_failed"
  | "state_mismatch"
  | "nonce_mismatch"
  | "id_token_invalid"
  // A login or a request names an AppConnect installation that the app does not know.
  | "installation_unknown";

/** Codes for which the same call may succeed later. */
const RETRYABLE: ReadonlySet<TalkdeskErrorCode> = new Set<TalkdeskErrorCode>([
  "token_network",
  "token_timeout",
  "token_unavailable",
  "credentials_unavailable",
  "refresh_outcome_unknown",
  "store_unavailable",
  "lock_timeout",
]);

/** The members of a {@link TalkdeskError} beside code and message. Undefined counts as absent. */
export interface TalkdeskErrorOptions {
  /** Whether the same call may succeed later. Default: decided by the code. */
  readonly retryable?: boolean | undefined;
  /** When to ask again at the earliest, in epoch milliseconds. */
  readonly retryAt?: number | undefined;
  /** HTTP status of the token endpoint's answer. */
  readonly status?: number | undefined;
  /** The `error` member of the answer (RFC 6749 §5.2), or the `code` of Talkdesk's API envelope. */
  readonly error?: string | undefined;
  /** The `error_description` member, or the envelope's `message`. */
  readonly errorDescription?: string | undefined;
  /** Possible causes that could be checked locally, as whole sentences. Default: none. */
  readonly hints?: readonly string[] | undefined;
  /** The underlying error. Only its name, message and code are kept: a `fetch` may reject with its whole request. */
  readonly cause?: unknown;
}

/**
 * The error that the packages throw for everything that may go wrong at run time.
 *
 * `message` is one sentence that says what happened and what to check. Neither it nor any other member contains a
 * token, a secret, a request's headers or a body. Text from a server is cut to 256 characters, and its control
 * characters are escaped. Recognise the error with {@link isTalkdeskError}.
 *
 * @example
 * throw new TalkdeskError("installation_unknown", "No installation has this id; check the installations of the app.");
 */
export class TalkdeskError extends Error {
  /** Always `"TalkdeskError"`. */
  override readonly name: string = "TalkdeskError";
  /** What went wrong. Branch on this member. */
  readonly code: TalkdeskErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** When to ask again at the earliest, in epoch milliseconds. */
  declare readonly retryAt?: number;
  /** HTTP status of the token endpoint's answer. */
  declare readonly status?: number;
  /** The `error` member as received, cut and escaped. */
  declare readonly error?: string;
  /** The `error_description` member as received, cut and escaped. */
  declare readonly errorDescription?: string;
  /** Possible causes that could be checked locally; empty when nothing was found. */
  readonly hints: readonly string[];

  constructor(code: TalkdeskErrorCode, message: string, options: TalkdeskErrorOptions = {}) {
    super(message);
    this.code = code;
    this.retryable = options.retryable ?? RETRYABLE.has(code);
    if (options.retryAt !== undefined) this.retryAt = options.retryAt;
    if (options.status !== undefined) this.status = options.status;
    if (options.error !== undefined) this.error = escapeText(options.error);
    if (options.errorDescription !== undefined) this.errorDescription = escapeText(options.errorDescription);
    this.hints = Object.freeze([...(options.hints ?? [])]);
    if (options.cause !== undefined) {
      Object.defineProperty(this, "cause", {
        value: reduceCause(options.cause),
        writable: true,
        configurable: true,
        enumerable: false,
      });
    }
  }

  /** Returns the members above, name and message, for logs. */
  toJSON(): Record<string, unknown> {
    const { name, message, code, retryable, retryAt, status, error, errorDescription, hints } = this;
    return { name, message, code, retryable, retryAt, status, error, errorDescription, hints };
  }
}

const BRAND = Symbol.for("@talkdesk-oauth/error");
// The brand is on the prototype, so that it is neither printed nor copied. Its symbol is registered, so that another
// copy of the package (ESM beside CommonJS, or two versions) recognises it.
Object.defineProperty(TalkdeskError.prototype, BRAND, { value: true });

/**
 * True for a {@link TalkdeskError}, also for one of another copy or version of the package, where `instanceof` is false.
 *
 * @example
 * if (isTalkdeskError(error) && error.code === "reauthentication_required") return logIn();
 */
export function isTalkdeskError(value: unknown): value is TalkdeskError {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
}

/**
 * Finds the {@link TalkdeskError} in an error that a client has thrown: the error itself, or one of its causes. Clients
 * wrap errors; `undici.fetch`, for one, rejects with a `TypeError` whose `cause` is the `TalkdeskError`.
 *
 * @returns Undefined where neither `error` nor one of its first seven causes is a `TalkdeskError`.
 * @example
 * const { code } = findTalkdeskError(error) ?? {};
 * if (code === "reauthentication_required") return logIn();
 */
export function findTalkdeskError(error: unknown): TalkdeskError | undefined {
  for (const cause of causesOf(error)) if (isTalkdeskError(cause)) return cause;
  return undefined;
}

/**
 * Copies an error, with a stack of its own and with the given changes.
 * @internal
 */
export function copyError(
  original: TalkdeskError,
  { message = original.message, ...changes }: TalkdeskErrorOptions & { readonly message?: string } = {},
): TalkdeskError {
  const { retryable, retryAt, status, error, errorDescription, hints, cause } = original;
  const options = { retryable, retryAt, status, error, errorDescription, hints, cause, ...changes };
  return new TalkdeskError(original.code, message, options);
}

/** The most characters of a server's text that an error shows: enough for a sentence, too few to flood a log. */
const MAX_TEXT = 256;

/**
 * Makes text of unknown origin safe to print: at most 256 characters, with control characters and those that change the
 * direction of writing escaped.
 * @internal
 */
export function escapeText(text: string): string {
  // Cut first, since the text may be huge, and again, since escapes are longer than the characters.
  const escaped = cutText(MAX_TEXT, text).replace(
    /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
  return cutText(MAX_TEXT, escaped);
}

const cutText = (length: number, text: string): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

/** Errors that {@link reduceCause} has made; it returns them unchanged. */
const reducedCauses = new WeakSet<object>();

/**
 * Reduces an error to a plain one with its name, message and code: clients attach whole requests to their errors. Takes
 * the innermost cause that has a code, where there is one.
 * @internal
 */
export function reduceCause(
  cause: unknown,
  mask: (text: string) => string = (text) => text,
): (Error & { code?: string }) | undefined {
  if (cause === undefined || cause === null) return undefined;
  if (reducedCauses.has(Object(cause))) return cause as Error;
  let said: unknown = cause;
  // "fetch failed" explains nothing; its cause has the code that does.
  for (const inner of causesOf(cause)) if (typeof readCode(inner) === "string") said = inner;
  const { name, message } = said as { name?: unknown; message?: unknown };
  const reduced: Error & { code?: string } = new Error(
    escapeText(mask(typeof message === "string" ? message : typeof said === "string" ? said : "")),
  );
  if (typeof name === "string" && name !== "Error") {
    Object.defineProperty(reduced, "name", {
      value: escapeText(mask(name)),
      configurable: true,
      writable: true,
    });
  }
  const code = readCode(said);
  if (typeof code === "string") reduced.code = escapeText(mask(code));
  reducedCauses.add(reduced);
  return reduced;
}

/** Returns the `code` of an error of Node, or that of the first part of an `AggregateError`. */
function readCode(error: unknown): unknown {
  if (typeof error !== "object" || error === null) return undefined;
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  return code ?? (Array.isArray(errors) ? readCode(errors[0]) : undefined);
}
