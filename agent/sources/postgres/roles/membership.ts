/** That a role is a member of another, whoever granted it. */
export interface Membership {
  role: string;
  member: string;
  /** Whether it may make others members. */
  admin: boolean;
  /** Whether it has what the role may; null for as the member is made (`INHERIT`, `NOINHERIT`), which is all that PostgreSQL before 16 knows. */
  inherit: boolean | null;
  /** Whether it may act as the role. */
  set: boolean;
}

/** One for each role and member: PostgreSQL from 16 on has one for each who granted it too, and the member has what any of them gives. */
export function mergeMemberships(granted: Membership[]): Membership[] {
  const merged = new Map<string, Membership>();
  for (const one of granted) {
    const key = JSON.stringify([one.role, one.member]);
    const other = merged.get(key);
    merged.set(key, other === undefined ? one : both(other, one));
  }
  return [...merged.values()];
}

/** From PostgreSQL 16 on, whoever makes a role is its member in this way: it has nothing of the role, and does not belong to it. */
export function isForAdministration({ inherit, set }: Membership): boolean {
  return inherit === false && !set;
}

function both(one: Membership, other: Membership): Membership {
  return {
    ...one,
    admin: one.admin || other.admin,
    inherit: anyOf(one.inherit, other.inherit),
    set: one.set || other.set,
  };
}

function anyOf(one: boolean | null, other: boolean | null): boolean | null {
  if (one === true || other === true) return true;
  return one === null || other === null ? null : false;
}
