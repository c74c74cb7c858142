import { type AccessToken, deserializeToken, serializeToken, unknownMembers } from "./access-token.js";
import { sha256 } from "./digest.js";
import { TalkdeskError } from "./errors.js";

/**
 * What a source keeps in a store under one key: a serialized token with a member more, so that {@link deserializeToken}
 * reads it, and what that wrote is a record.
 * @internal
 */
export interface TokenRecord {
  readonly token: AccessToken;
  /** The scopes that the token was asked with; absent when it was asked without, and for a login's first token. */
  readonly scope?: readonly string[];
  /** Names the refresh token that was sent, until an answer to it is known. */
  readonly attempt?: string;
  /** Names the refresh token that the token endpoint has refused for good. */
  readonly dead?: string;
  /** When the refresh token ends by itself, in epoch milliseconds; absent when the service did not say. */
  readonly refreshTokenExpiresAt?: number;
}

/** The member of a record that is not the token's. */
const MEMBER = "source";

/** @internal */
export function serializeRecord({ token, ...source }: TokenRecord): string {
  const members = { scope: undefined, attempt: undefined, dead: undefined, refreshTokenExpiresAt: undefined };
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
  const { scope, attempt, dead, refreshTokenExpiresAt } = source;
  const isNames =
    scope === undefined || (Array.isArray(scope) && scope.every((name) => typeof name === "string"));
  const isTime = refreshTokenExpiresAt === undefined || Number.isFinite(refreshTokenExpiresAt);
  if (!isNames || !isTime || !isText(attempt) || !isText(dead)) {
    throw new TalkdeskError(
      "store_corrupt",
      "A stored token could not be read: what it was asked with is not legible.",
    );
  }
  return {
    token,
    ...(scope !== undefined && { scope: scope as readonly string[] }),
    ...(attempt !== undefined && { attempt }),
    ...(dead !== undefined && { dead }),
    ...(refreshTokenExpiresAt !== undefined && { refreshTokenExpiresAt: refreshTokenExpiresAt as number }),
  };
}

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
