// Far more than a test needs, and little memory.
const MAX_SIZE = 20_000;

/** A set that forgets its oldest members, so that clients cannot fill the memory. */
export interface RecentSet<Member> {
  has(member: Member): boolean;
  add(member: Member): void;
}

/** Makes an empty set that keeps the last 20 000 members. */
export function makeRecentSet<Member>(): RecentSet<Member> {
  const members = new Set<Member>();
  return {
    has: (member) => members.has(member),
    add(member) {
      members.add(member);
      if (members.size <= MAX_SIZE) return;
      for (const oldest of members) {
        members.delete(oldest);
        return;
      }
    },
  };
}
