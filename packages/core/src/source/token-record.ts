import { sha256 } from "../base/digest.js";
import { TalkdeskError } from "../base/errors.js";
import { type AccessToken, deserializeToken, serializeToken, unknownMembers } from "../token/access-token.js";
import type { TokenOwner } from "../token-endpoint/token-owner.js";

/**
 * What a source keeps in a store under one key. It is written as a serialized token with one member more, so that
 * {@link deserializeToken} can read a record, and a serialized token can be read as a record.
 * @internal
 */
export interface TokenRecord {
  readonly token: AccessToken;
  /** The client that the token belongs to. Absent in a bare serialized token, which any client may use. */
  readonly owner?: TokenOwner | undefined;
  /** The kind of source that wrote it, such as `service_token`; no other kind uses it. Absent in a bare serialized token. */
  readonly kind?: string | undefined;
  /** The scopes that were asked for. Absent when none were named, and for the first token of a login. */
  readonly scope?: readonly string[] | undefined;
  /** Names the refresh token that may have been sent, until its answer is known. */
  readonly attempt?: string | undefined;
  /** Names the refresh token that the token endpoint has refused for good. */
  readonly dead?: string | undefined;
  /** True when the API has refused the access token as well, so that only a login helps. */
  readonly isOver?: true | undefined;
  /** When the refresh token expires, in epoch milliseconds; absent when the service did not say. */
  readonly refreshTokenExpiresAt?: number | undefined;
  /** When the first token of the session's login was issued, in epoch milliseconds; absent in records of earlier versions. */
  readonly loginAt?: number | undefined;
  /** Names the login that the session began with. Absent in a record that no renewal of this version has made. */
  readonly login?: string | undefined;
  /** How many renewals lie between that login and this record. */
  readonly renewals?: number | undefined;
}

/**
 * Whether a record is of the same session as another and of an earlier time, so that its refresh token was exchanged.
 * @internal
 */
export const precedes = (earlier: TokenRecord, later: TokenRecord): boolean =>
  earlier.login !== undefined &&
  earlier.login === later.login &&
  (earlier.renewals ?? 0) < (later.renewals ?? 0);

/** The member of a record that is not part of the token. */
const MEMBER = "source";

/** What this version writes in it; a later version may write more. */
const MEMBERS = [
  "owner",
  "kind",
  "scope",
  "attempt",
  "dead",
  "isOver",
  "refreshTokenExpiresAt",
  "loginAt",
  "login",
  "renewals",
] as const satisfies readonly (keyof TokenRecord)[];

/** @internal */
export function serializeRecord({ token, ...source }: TokenRecord): string {
  const members = Object.fromEntries(MEMBERS.map((name) => [name, undefined]));
  return JSON.stringify({
    ...JSON.parse(serializeToken(token)),
    [MEMBER]: { ...Object(unknownMembers(token)[MEMBER]), ...members, ...source },
  });
}

/**
 * @throws
 * - TalkdeskError `store_corrupt`: not a record. The error repeats nothing of the text.
 * @internal
 */
export function deserializeRecord(text: string): TokenRecord {
  const token = deserializeToken(text);
  const source = Object(unknownMembers(token)[MEMBER]) as Record<string, unknown>;
  const { owner, kind, scope, attempt, dead, isOver, refreshTokenExpiresAt, loginAt, login, renewals } =
    source;
  const isNames =
    scope === undefined || (Array.isArray(scope) && scope.every((name) => typeof name === "string"));
  const isNumber = (value: unknown): boolean => value === undefined || Number.isFinite(value);
  const isFlag = isOver === undefined || isOver === true;
  if (
    !isNames ||
    !isNumber(refreshTokenExpiresAt) ||
    !isNumber(loginAt) ||
    !isNumber(renewals) ||
    !isFlag ||
    !isText(attempt) ||
    !isText(dead) ||
    !isText(login) ||
    !isOwner(owner) ||
    !isText(kind)
  ) {
    throw new TalkdeskError(
      "store_corrupt",
      "A stored token could not be read: its owner, scope or refresh markers are malformed.",
    );
  }
  // Earlier versions did not write the owner, so it cannot be known. A bare serialized token has no such member at all.
  if (owner === undefined && MEMBER in unknownMembers(token)) {
    throw new TalkdeskError("store_corrupt", "A stored token does not name its owner; it will be replaced.");
  }
  return {
    token,
    owner,
    kind,
    scope: scope as TokenRecord["scope"],
    attempt,
    dead,
    isOver,
    refreshTokenExpiresAt: refreshTokenExpiresAt as TokenRecord["refreshTokenExpiresAt"],
    loginAt: loginAt as TokenRecord["loginAt"],
    login,
    renewals: renewals as TokenRecord["renewals"],
  };
}

function isOwner(value: unknown): value is TokenOwner | undefined {
  if (value === undefined) return true;
  const { tokenEndpoint, clientId, api } = Object(value) as Record<string, unknown>;
  return typeof tokenEndpoint === "string" && typeof api === "string" && isText(clientId);
}

const isText = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === "string";

/**
 * Whether a record's token has the scopes that are asked for now. A deployment may have changed them.
 * @internal
 */
export function hasScope({ token, scope }: TokenRecord, asked: readonly string[] | undefined): boolean {
  if (asked === undefined) return scope === undefined;
  return [scope, token.scope].some(
    (names) =>
      names !== undefined && names.length === asked.length && asked.every((name) => names.includes(name)),
  );
}

/**
 * Names a refresh token in a record by a hash, which is the same in every process and reveals nothing.
 * @internal
 */
export const refreshTokenName = (refreshToken: string): string => sha256(refreshToken).slice(0, 32);
