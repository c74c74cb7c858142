import type { Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import type { Directory } from "./directory.js";

/** The part of a SCIM user that a client writes. */
export interface ScimUserDraft {
  readonly userName: string;
  readonly name: { readonly givenName: string; readonly familyName: string };
  readonly active: boolean;
  readonly externalId?: string;
  /** Roles and teams. */
  readonly extension?: Readonly<Record<string, string>>;
}

/** A user as identity providers see one. */
export interface ScimUser extends ScimUserDraft {
  /** 24 hexadecimal digits. */
  readonly id: string;
  /** ISO 8601. */
  readonly created: string;
}

/** The SCIM users of one account in one region. They begin with the users of the directory, which does not follow them. */
export interface ScimUsers {
  readonly all: readonly ScimUser[];
  find(id: string): ScimUser | undefined;
  /** Tells whether another user has this name, in any case of letters. */
  isTaken(userName: string, exceptId?: string): boolean;
  /** Tells whether a client may still write this much. */
  hasRoomFor(draft: ScimUserDraft): boolean;
  add(draft: ScimUserDraft): ScimUser;
  replace(user: ScimUser, draft: ScimUserDraft): ScimUser;
  remove(user: ScimUser): void;
  /** Counts a request, and tells whether it is one too many. `now` is in milliseconds, by any clock. */
  exceedsRate(now: number): boolean;
}

/** The limit of the service. */
const REQUESTS_PER_SECOND = 4;
/** Users are kept in memory, so clients may write this much JSON in total; replacing a user counts again. */
const MAX_WRITTEN_BYTES = 2 ** 24;
// Dates do not follow the clock, so that two runs give the same data.
const CREATED = "2024-01-01T00:00:00.000Z";

/** Makes the SCIM users of an account in a region. */
export function makeScimUsers(seed: Seed, region: Region, account: string, directory: Directory): ScimUsers {
  const nextId = seed.identifiers(`${region}/${account}/scim-user`, 24);
  const users = new Map<string, ScimUser>();
  for (const { id, name, email } of directory.users) {
    const [givenName = "", familyName = ""] = name.split(" ");
    users.set(id, { id, userName: email, name: { givenName, familyName }, active: true, created: CREATED });
  }
  let writtenBytes = 0;
  const recent: number[] = [];

  function write(user: ScimUser): ScimUser {
    writtenBytes += measure(user);
    users.set(user.id, user);
    return user;
  }

  return {
    get all() {
      return [...users.values()];
    },
    find: (id) => users.get(id),
    isTaken: (userName, exceptId) =>
      [...users.values()].some(
        (user) => user.id !== exceptId && user.userName.toLowerCase() === userName.toLowerCase(),
      ),
    hasRoomFor: (draft) => writtenBytes + measure(draft) <= MAX_WRITTEN_BYTES,
    add: (draft) => write({ ...draft, id: nextId(), created: CREATED }),
    replace: ({ id, created }, draft) => write({ ...draft, id, created }),
    remove(user) {
      users.delete(user.id);
    },
    exceedsRate(now) {
      while (recent.length > 0 && now - (recent[0] ?? 0) >= 1000) recent.shift();
      if (recent.length >= REQUESTS_PER_SECOND) return true;
      recent.push(now);
      return false;
    },
  };
}

function measure(draft: ScimUserDraft): number {
  return Buffer.byteLength(JSON.stringify(draft));
}
