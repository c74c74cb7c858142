import { sha256 } from "../base/digest.js";
import { TalkdeskError } from "../base/errors.js";
import { type AccessToken, deserializeToken, serializeToken, unknownMembers } from "../token/access-token.js";
import type { TokenOwner } from "../token-endpoint/token-owner.js";

/** For a program, as a Bearer token; for a program, sent bare; for a user who has logged in. */
export type TokenKind = (typeof KINDS)[number];

const KINDS = ["client_credentials", "service_token", "user_session"] as const;

/**
 * What a source keeps in a store under one key: a serialized token with a member more, so that {@link deserializeToken}
 * reads it, and what that wrote is a record.
 * @internal
 */
export interface TokenRecord {
  readonly token: AccessToken;
  /** Whose the token is. Absent in a bare serialized token, which belongs to whoever put it there. */
  readonly owner?: TokenOwner;
  /** What the token is for: a user's is no program's, and is sent in another form. Absent in a bare serialized token. */
  readonly kind?: TokenKind;
  /** The scopes that the token was asked with; absent when it was asked without, and for a login's first token. */
  readonly scope?: readonly string[];
  /** Names the refresh token that was sent, until an answer to it is known. */
  readonly attempt?: string;
  /** Names the refresh token that the token endpoint has refused for good. */
  readonly dead?: string;
  /** True when the API has refused the token as well, and nothing but a login helps. */
  readonly isOver?: true;
  /** When the refresh token ends by itself, in epoch milliseconds; absent when the service did not say. */
  readonly refreshTokenExpiresAt?: number;
}

/** The member of a record that is not the token's. */
const MEMBER = "source";

/** What is in it, beside what a later version may write there. */
const MEMBERS = [
  "owner",
  "kind",
  "scope",
  "attempt",
  "dead",
  "isOver",
  "refreshTokenExpiresAt",
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
 * @throws TalkdeskError `store_corrupt`, which repeats nothing of the text.
 * @internal
 */
export function deserializeRecord(text: string): TokenRecord {
  const token = deserializeToken(text);
  const source = Object(unknownMembers(token)[MEMBER]) as Record<string, unknown>;
  const { owner, kind, scope, attempt, dead, isOver, refreshTokenExpiresAt } = source;
  const isNames =
    scope === undefined || (Array.isArray(scope) && scope.every((name) => typeof name === "string"));
  const isTime = refreshTokenExpiresAt === undefined || Number.isFinite(refreshTokenExpiresAt);
  const isFlag = isOver === undefined || isOver === true;
  if (
    !isNames ||
    !isTime ||
    !isFlag ||
    !isText(attempt) ||
    !isText(dead) ||
    !isOwner(owner) ||
    !isKind(kind)
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
    ...(owner !== undefined && { owner }),
    ...(kind !== undefined && { kind }),
    ...(scope !== undefined && { scope: scope as readonly string[] }),
    ...(attempt !== undefined && { attempt }),
    ...(dead !== undefined && { dead }),
    ...(isOver === true && { isOver }),
    ...(refreshTokenExpiresAt !== undefined && { refreshTokenExpiresAt: refreshTokenExpiresAt as number }),
  };
}

function isOwner(value: unknown): value is TokenOwner | undefined {
  if (value === undefined) return true;
  const { tokenEndpoint, clientId, api } = Object(value) as Record<string, unknown>;
  return typeof tokenEndpoint === "string" && typeof api === "string" && isText(clientId);
}

const isKind = (value: unknown): value is TokenKind | undefined =>
  value === undefined || KINDS.some((kind) => kind === value);

const isText = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === "string";

/**
 * Whether a record's token has the scopes that are asked for now, which may have changed with a deployment.
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
 * Names a refresh token in a record: a hash, which tells nothing of it, and is the same in every process.
 * @internal
 */
export const refreshTokenName = (refreshToken: string): string => sha256(refreshToken).slice(0, 32);
