import { causesOf } from "./causes.js";

/**
 * What went wrong, as a closed set. Mistakes of the programmer are not in it: those are `TypeError`s,
 * thrown by the function that was given the mistake.
 */
export type TalkdeskErrorCode =
  // The token endpoint could not be asked, or did not answer in time, or said "later" (429, 5xx).
  | "token_network"
  | "token_timeout"
  | "token_unavailable"
  // The token endpoint answered something that is not the protocol, or breaks it.
  | "token_unexpected_response"
  | "token_malformed"
  | "response_too_large"
  | "unsupported_token_type"
  // The token endpoint refused the client, or this request of it.
  | "client_refused"
  | "request_refused"
  // A secret or key provider threw, or did not answer in time.
  | "credentials_unavailable"
  // The API refused a token and then refused its replacement.
  | "token_refused"
  // The user must log in again; the answer to a rotation was lost.
  | "reauthentication_required"
  | "refresh_outcome_unknown"
  // `close()` or `end()` was called.
  | "source_closed"
  // The store of tokens.
  | "store_unavailable"
  | "store_corrupt"
  | "lock_timeout"
  // The login flow.
  | "authorization_denied"
  | "authorization_failed"
  | "state_mismatch"
  | "nonce_mismatch"
  | "id_token_invalid"
  // A login or a request names an AppConnect installation that the app does not know.
  | "installation_unknown";

/** Codes for which asking again later, unchanged, may succeed. */
const RETRYABLE: ReadonlySet<TalkdeskErrorCode> = new Set<TalkdeskErrorCode>([
  "token_network",
  "token_timeout",
  "token_unavailable",
  "credentials_unavailable",
  "refresh_outcome_unknown",
  "store_unavailable",
  "lock_timeout",
]);

/**
 * What a {@link TalkdeskError} may carry beside its code and message. All of it is free of secrets. A member that is
 * undefined counts as absent.
 */
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
  /** What could be checked locally and may explain the failure: whole sentences. Default: none. */
  readonly hints?: readonly string[] | undefined;
  /** What lies beneath. It is reduced to name, message and code: a rejected `fetch` may hold its request. */
  readonly cause?: unknown;
}

/**
 * The one class of error that the packages throw.
 *
 * `message` is one sentence that says what happened and what to check. Neither it nor any other member holds
 * a token, a secret, a request's headers or a body. Text that a server sent is cut to 256 characters and its
 * control characters are escaped.
 */
export class TalkdeskError extends Error {
  override readonly name: string = "TalkdeskError";
  /** What went wrong; the one member to branch on. */
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
  /** What could be checked locally and may explain the failure; empty when nothing was found. */
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

  /** The members above and the message, for logs. */
  toJSON(): Record<string, unknown> {
    const { name, message, code, retryable, retryAt, status, error, errorDescription, hints } = this;
    return { name, message, code, retryable, retryAt, status, error, errorDescription, hints };
  }
}

const BRAND = Symbol.for("@talkdesk-oauth/error");
// On the prototype, so that the brand neither prints nor is copied; and by a registered symbol, so that it
// is recognised by another copy of the package (ESM beside CommonJS, or two versions).
Object.defineProperty(TalkdeskError.prototype, BRAND, { value: true });

/**
 * Tells whether `value` is a {@link TalkdeskError}, also one of another copy or version of the package, for which
 * `instanceof` says no.
 *
 * @example
 * if (isTalkdeskError(error) && error.code === "reauthentication_required") return logIn();
 */
export function isTalkdeskError(value: unknown): value is TalkdeskError {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
}

/**
 * Finds the {@link TalkdeskError} in what a client has thrown: the error itself, or one among its causes. Clients wrap
 * errors: `undici.fetch` rejects with a `TypeError` and axios with an `AxiosError` whose `cause` is ours.
 *
 * @returns Undefined where there is no such error in `error` and the first seven of its causes.
 * @example
 * const { code } = findTalkdeskError(error) ?? {};
 * if (code === "reauthentication_required") return logIn();
 */
export function findTalkdeskError(error: unknown): TalkdeskError | undefined {
  for (const cause of causesOf(error)) if (isTalkdeskError(cause)) return cause;
  return undefined;
}

/**
 * A new error that says the same, with its own stack, changed where told.
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

const MAX_TEXT = 256;

/**
 * Text of unknown origin, safe to print: at most 256 characters, control and direction-changing ones escaped.
 * @internal
 */
export function escapeText(text: string): string {
  // Cut before, since what comes in may be huge, and after, since escapes are longer than what they stand for.
  const escaped = cutText(MAX_TEXT, text).replace(
    /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
  return cutText(MAX_TEXT, escaped);
}

const cutText = (length: number, text: string): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

const reducedCauses = new WeakSet<object>();

/**
 * The innermost cause that says something, as a plain error with name, message and code alone: clients attach
 * whole requests to their errors.
 * @internal
 */
export function reduceCause(
  cause: unknown,
  mask: (text: string) => string = (text) => text,
): (Error & { code?: string }) | undefined {
  if (cause === undefined || cause === null) return undefined;
  if (reducedCauses.has(Object(cause))) return cause as Error;
  let said: unknown = cause;
  // `fetch failed` says nothing; the error beneath it has the code that does.
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

/** The `code` that Node and its clients put on errors, also on the parts of an `AggregateError`. */
function readCode(error: unknown): unknown {
  if (typeof error !== "object" || error === null) return undefined;
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  return code ?? (Array.isArray(errors) ? readCode(errors[0]) : undefined);
}
