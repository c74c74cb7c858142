import { TalkdeskError } from "../base/errors.js";

/** Far longer than any code, and short enough for every server to receive. */
const MAX_CODE_LENGTH = 4_096;

/** What a callback is checked against. */
interface Expected {
  readonly state: string;
  readonly issuers: readonly string[];
  /** Masks the secrets of the login. */
  readonly mask: (text: string) => string;
}

/**
 * Reads the parameters of a callback: a `URL`, `URLSearchParams`, or a string that is a whole URL, a path with a query,
 * or a bare query.
 *
 * @throws TypeError for anything else.
 * @internal
 */
export function parseCallback(callback: unknown): URLSearchParams {
  if (typeof callback !== "string") {
    // Recognised by `getAll`: in a test runner or a framework, the object may be of another realm or a polyfill.
    const parameters = (Object(callback) as { readonly searchParams?: unknown }).searchParams ?? callback;
    if (typeof (parameters as URLSearchParams | null | undefined)?.getAll === "function") {
      return new URLSearchParams(String(parameters));
    }
    throw new TypeError("callback must be the URL that the user came back to, or its query.");
  }
  const [text = ""] = callback.split("#", 1);
  const mark = text.indexOf("?");
  const before = mark < 0 ? text : text.slice(0, mark);
  const isAddress = before.startsWith("/") || /^[a-z][a-z\d+.-]*:\/\//i.test(before);
  if (mark >= 0 && (isAddress || !before.includes("="))) return new URLSearchParams(text.slice(mark + 1));
  return new URLSearchParams(isAddress ? "" : text);
}

/**
 * Reads the code from a callback that answers this login. The state is checked before anything else is read.
 *
 * @throws TalkdeskError
 * - `state_mismatch`: the callback belongs to another login.
 * - `authorization_denied`: the callback's error is `access_denied`.
 * - `authorization_failed`: another error, an issuer that is not expected, or not exactly one code.
 * @see RFC 6749 §4.1.2, RFC 9207 §2.4
 * @internal
 */
export function readAuthorizationCode(parameters: URLSearchParams, expected: Expected): string {
  const [state, ...otherStates] = parameters.getAll("state");
  if (state === undefined || otherStates.length > 0 || !isEqual(state, expected.state)) {
    throw new TalkdeskError(
      "state_mismatch",
      "The callback does not belong to this login: its state is missing, given twice or differs; start again.",
    );
  }
  const issuers = parameters.getAll("iss");
  if (issuers.length > 1 || issuers.some((issuer) => !expected.issuers.includes(issuer))) {
    throw failed(
      "The callback names an issuer that is not expected; check account and region, or pass issuers.",
    );
  }
  if (parameters.has("error")) throw refusal(parameters, expected.mask);
  const [code, ...otherCodes] = parameters.getAll("code");
  if (code === undefined || code === "" || otherCodes.length > 0) {
    throw failed("The callback has neither an error nor exactly one code; start again.");
  }
  if (code.length > MAX_CODE_LENGTH) {
    throw failed(`The callback's code is longer than ${MAX_CODE_LENGTH} characters; start again.`);
  }
  return code;
}

function refusal(parameters: URLSearchParams, mask: (text: string) => string): TalkdeskError {
  const error = parameters.get("error") ?? "";
  const description = parameters.get("error_description");
  const options = {
    error: mask(error),
    errorDescription: description === null ? undefined : mask(description),
  };
  return error === "access_denied"
    ? new TalkdeskError(
        "authorization_denied",
        "The user, or a rule of the account, denied the login.",
        options,
      )
    : failed(
        "The authorize endpoint ended the login with an error; see error and errorDescription.",
        options,
      );
}

const failed = (message: string, options?: ConstructorParameters<typeof TalkdeskError>[2]): TalkdeskError =>
  new TalkdeskError("authorization_failed", message, options);

/** Compares in a time that does not depend on how much of the texts is equal. */
function isEqual(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length;
  for (let index = 0; index < expected.length; index++) {
    difference |= given.charCodeAt(index) ^ expected.charCodeAt(index);
  }
  return difference === 0;
}
