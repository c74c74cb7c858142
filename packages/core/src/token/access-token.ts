import { TalkdeskError } from "../base/errors.js";
import { isVisibleAscii } from "../base/secret-text.js";

/**
 * An access token and what the token endpoint said about it. Immutable.
 *
 * The secret members (`authorization`, `value`, `refreshToken`, `sessionId`, `idToken`, `extra`) can be read, but are not
 * own properties: `String()`, `JSON.stringify`, `util.inspect`, `structuredClone` and spread leave them out. Only
 * {@link serializeToken} writes all of them.
 */
export interface AccessToken {
  /** The value of the `Authorization` header: `Bearer …`, or the token alone for an opaque service token. */
  readonly authorization: string;
  /** The token itself. */
  readonly value: string;
  /** `"Bearer"`, or `"opaque"` for a service token, which is sent without a scheme. */
  readonly type: "Bearer" | "opaque";
  /** When the request was sent, in epoch milliseconds. */
  readonly issuedAt: number;
  /** `issuedAt` plus the lifetime, in epoch milliseconds. */
  readonly expiresAt: number;
  /** True when the answer had no lifetime, and 599 seconds were assumed. */
  readonly expiryAssumed: boolean;
  /** The scopes that were granted; absent when the answer had none. */
  readonly scope?: readonly string[];
  /** The refresh token that came with it. */
  readonly refreshToken?: string;
  /** The `sid` that came with it. */
  readonly sessionId?: string;
  /** The ID token that came with it, not verified. */
  readonly idToken?: string;
  /** Members of the answer that are not named here, deeply frozen. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** Options of {@link accessToken}: the members of {@link AccessToken} that cannot be derived. */
export interface AccessTokenOptions {
  /** The token itself: visible ASCII, because it is sent in a header. */
  readonly value: string;
  /** When it expires, in epoch milliseconds. */
  readonly expiresAt: number;
  /** When it was requested, in epoch milliseconds. Default: now. */
  readonly issuedAt?: number | undefined;
  /** Default `"Bearer"`. */
  readonly type?: "Bearer" | "opaque" | undefined;
  /** Default false. */
  readonly expiryAssumed?: boolean | undefined;
  /** The scopes that were granted. Default: not known. */
  readonly scope?: readonly string[] | undefined;
  /** The refresh token that came with it. Default: none. */
  readonly refreshToken?: string | undefined;
  /** The id of the session at Talkdesk (`sid`). Default: none. */
  readonly sessionId?: string | undefined;
  /** The ID token that came with it. Default: none. */
  readonly idToken?: string | undefined;
  /** Default: none. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/** The members that must not be own properties of a token. */
interface Secrets {
  readonly authorization: string;
  readonly value: string;
  readonly refreshToken?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly idToken?: string | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
  /** Members of a stored record that a newer version of this package wrote. */
  readonly unknown: Readonly<Record<string, unknown>>;
}

const secretsOf = new WeakMap<object, Secrets>();
const INSPECT = Symbol.for("nodejs.util.inspect.custom");
const UNKNOWN = Symbol.for("@talkdesk-oauth/unknown-members");

/** The getters are inherited, so that spread, `structuredClone` and inspection do not read them. */
const prototype: object = Object.create(Object.prototype, {
  value: getter((secrets) => secrets.value),
  authorization: getter((secrets) => secrets.authorization),
  refreshToken: getter((secrets) => secrets.refreshToken),
  sessionId: getter((secrets) => secrets.sessionId),
  idToken: getter((secrets) => secrets.idToken),
  extra: getter((secrets) => secrets.extra),
  [UNKNOWN]: getter((secrets) => secrets.unknown),
  [Symbol.toStringTag]: { value: "AccessToken" },
  toString: { value: () => "[object AccessToken]" },
  [INSPECT]: {
    value(
      this: object,
      _depth: number,
      options: object,
      inspect?: (value: object, options: object) => string,
    ) {
      const shown = { ...this };
      return inspect === undefined ? shown : `AccessToken ${inspect(shown, options)}`;
    },
  },
});

function getter(read: (secrets: Secrets) => unknown): PropertyDescriptor {
  return {
    get(this: object) {
      const secrets = secretsOf.get(this);
      return secrets === undefined ? undefined : read(secrets);
    },
  };
}

/**
 * Makes a token for a source of your own.
 *
 * @throws
 * - TypeError: a member has the wrong type, or `value` cannot be sent in a header.
 * @example
 * const own: TokenSource = {
 *   api: "https://api.talkdeskapp.com",
 *   async getToken() {
 *     const value = await readSecret("talkdesk-token");
 *     return accessToken({ value, expiresAt: Date.now() + 60_000 });
 *   },
 * };
 */
export function accessToken(options: AccessTokenOptions): AccessToken {
  const fault = findTokenFault(options);
  if (fault !== undefined) throw new TypeError(`${fault}.`);
  return createToken(options, {});
}

function createToken(options: AccessTokenOptions, unknown: Readonly<Record<string, unknown>>): AccessToken {
  const { value, expiresAt, issuedAt = Date.now(), type = "Bearer", expiryAssumed = false, scope } = options;
  const { refreshToken, sessionId, idToken, extra = {} } = options;
  const token = Object.assign(Object.create(prototype), {
    type,
    issuedAt,
    expiresAt,
    expiryAssumed,
    ...(scope !== undefined && { scope: Object.freeze([...scope]) }),
  });
  const scheme = type === "opaque" ? "" : "Bearer ";
  const authorization = scheme + value;
  secretsOf.set(token, {
    authorization,
    // A part of the other text, which engines keep once for both: a token may be long, and there may be many.
    value: authorization.slice(scheme.length),
    refreshToken,
    sessionId,
    idToken,
    extra: copyMembers(extra),
    unknown: copyMembers(unknown),
  });
  return Object.freeze(token);
}

/** Says what is wrong with the members of a token, without repeating them. */
function findTokenFault(options: unknown): string | undefined {
  if (typeof options !== "object" || options === null) return "a token must be given as an object";
  const { value, type, expiryAssumed, scope, extra, ...rest } = options as Record<string, unknown>;
  if (typeof value !== "string" || !isVisibleAscii(value))
    return "value must be a string of visible ASCII characters";
  if (!Number.isFinite(rest["expiresAt"])) return "expiresAt must be a number of epoch milliseconds";
  if (rest["issuedAt"] !== undefined && !Number.isFinite(rest["issuedAt"])) {
    return "issuedAt must be a number of epoch milliseconds";
  }
  if (type !== undefined && type !== "Bearer" && type !== "opaque")
    return 'type must be "Bearer" or "opaque"';
  if (expiryAssumed !== undefined && typeof expiryAssumed !== "boolean")
    return "expiryAssumed must be a boolean";
  if (scope !== undefined && !(Array.isArray(scope) && scope.every((name) => typeof name === "string"))) {
    return "scope must be a list of strings";
  }
  for (const name of ["refreshToken", "sessionId", "idToken"]) {
    if (rest[name] !== undefined && (typeof rest[name] !== "string" || rest[name] === "")) {
      return `${name} must be a string that is not empty`;
    }
  }
  if (extra !== undefined && (typeof extra !== "object" || extra === null || Array.isArray(extra))) {
    return "extra must be an object";
  }
  return undefined;
}

/** Shared by all tokens without further members, which are nearly all. */
const NO_MEMBERS: Readonly<Record<string, unknown>> = Object.freeze({});

/** More levels than an answer may have, and far fewer than overflow the stack. */
const MAX_LEVELS = 256;

const copyMembers = (members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.keys(members).length === 0 ? NO_MEMBERS : freezeCopy(members);

/** Copies and freezes JSON data. `Object.fromEntries` keeps a member named `__proto__` a member. */
function freezeCopy<T>(data: T, level = 0): T {
  if (typeof data !== "object" || data === null) return data;
  // Data that contains itself ends here as well.
  if (level > MAX_LEVELS) throw new TypeError("extra must be JSON data that is not nested too deeply.");
  const copyOf = <Part>(part: Part): Part => freezeCopy(part, level + 1);
  if (Array.isArray(data)) return Object.freeze(data.map(copyOf)) as T;
  return Object.freeze(
    Object.fromEntries(Object.entries(data).map(([key, value]) => [key, copyOf(value)])),
  ) as T;
}

/** The major version of the stored format. Members may be added within it: readers keep those that they do not know. */
const FORMAT = 1;

/** What is stored of a token, besides members that this version does not know. */
const STORED_MEMBERS = [
  "value",
  "type",
  "issuedAt",
  "expiresAt",
  "expiryAssumed",
  "scope",
  "refreshToken",
  "sessionId",
  "idToken",
  "extra",
] as const satisfies readonly (keyof AccessTokenOptions)[];

/**
 * Writes all of a token as text, for a store. The text contains the token's secrets, so protect it like a password.
 * {@link deserializeToken} reads it, also in other versions of the package with the same format.
 *
 * @example
 * const text = serializeToken(token);
 * const same = deserializeToken(text);
 */
export function serializeToken(token: AccessToken): string {
  const known = Object.fromEntries(STORED_MEMBERS.map((name) => [name, token[name]]));
  return JSON.stringify({ ...unknownMembers(token), format: FORMAT, ...known });
}

/**
 * The members of a stored record that this version does not know. They stay with the token.
 * @internal
 */
export const unknownMembers = (token: AccessToken): Readonly<Record<string, unknown>> =>
  (token as { [UNKNOWN]?: Readonly<Record<string, unknown>> })[UNKNOWN] ?? {};

/**
 * Adds to a refreshed token what the answer did not repeat: the refresh token that stays in use, and the members of the
 * record that this version does not know.
 * @internal
 */
export function succeedToken(previous: AccessToken, token: AccessToken): AccessToken {
  const members = Object.fromEntries(STORED_MEMBERS.map((name) => [name, token[name]]));
  const { refreshToken = previous.refreshToken } = token;
  return createToken(
    { ...(members as unknown as AccessTokenOptions), refreshToken },
    unknownMembers(previous),
  );
}

/**
 * Whether a text is a token in a format that a newer version of this package writes. {@link deserializeToken} refuses it.
 * @internal
 */
export function isOfNewerFormat(text: string): boolean {
  try {
    const { format } = Object(JSON.parse(text)) as { format?: unknown };
    return Number.isInteger(format) && Number(format) > FORMAT;
  } catch {
    return false;
  }
}

/**
 * Reads what {@link serializeToken} wrote. Members that this version does not know stay with the token, and are written
 * again.
 *
 * @throws
 * - TalkdeskError `store_corrupt`: the text is something else, or has a format that this version does not know. The error
 *   repeats nothing of the text.
 * @example
 * const kept = deserializeToken(await readSecret("token"));
 */
export function deserializeToken(text: string): AccessToken {
  const corrupt = (what: string) =>
    new TalkdeskError("store_corrupt", `A stored token could not be read: ${what}.`);
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    throw corrupt("it is not JSON");
  }
  if (typeof record !== "object" || record === null) throw corrupt("it is not an object");
  if ((record as { format?: unknown }).format !== FORMAT) {
    throw corrupt(
      "its format is unknown to this version; it may come from a newer one, so keep it and update",
    );
  }
  const { format: _, ...members } = record as Record<string, unknown>;
  const fault =
    findTokenFault(members) ?? (members["issuedAt"] === undefined ? "issuedAt is missing" : undefined);
  if (fault !== undefined) throw corrupt(fault);
  const isKnown = (name: string): boolean => (STORED_MEMBERS as readonly string[]).includes(name);
  const unknown = Object.fromEntries(Object.entries(members).filter(([name]) => !isKnown(name)));
  try {
    return createToken(members as unknown as AccessTokenOptions, unknown);
  } catch {
    throw corrupt("it is nested too deeply");
  }
}
