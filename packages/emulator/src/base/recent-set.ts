// Far more than a test needs, and little memory: clients can add members without limit.
const DEFAULT_MAX_SIZE = 20_000;

/** A set that forgets its oldest members, so that clients cannot fill the memory. */
export interface RecentSet<Member> {
  has(member: Member): boolean;
  add(member: Member): void;
}

/** Makes an empty set that keeps the last `maxSize` members, 20 000 by default. */
export function makeRecentSet<Member>(maxSize: number = DEFAULT_MAX_SIZE): RecentSet<Member> {
  const members = new Set<Member>();
  return {
    has: (member) => members.has(member),
    add(member) {
      members.add(member);
      if (members.size <= maxSize) return;
      for (const oldest of members) {
        members.delete(oldest);
        return;
      }
    },
  };
}
