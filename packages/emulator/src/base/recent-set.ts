/** A set that forgets its oldest members: what strangers add to it cannot fill the memory. */
export interface RecentSet<Member> {
  has(member: Member): boolean;
  add(member: Member): void;
}

/** Makes an empty set that holds the last `most` members. Default: 20 000. */
export function recentSet<Member>(most = 20_000): RecentSet<Member> {
  const members = new Set<Member>();
  return {
    has: (member) => members.has(member),
    add(member) {
      members.add(member);
      if (members.size <= most) return;
      for (const oldest of members) {
        members.delete(oldest);
        return;
      }
    },
  };
}
