/** Whether a server's or client's version is at least this one. Numbers that it does not name count as 0. */
export function atLeast(version: string, ...wanted: number[]): boolean {
  const numbers = versionNumbers(version);
  for (const [i, want] of wanted.entries()) {
    const has = numbers[i] ?? 0;
    if (has !== want) return has > want;
  }
  return true;
}

/** The leading numbers of a version: `10.11.19-MariaDB-0+deb12u1` gives 10, 11, 19. */
export function versionNumbers(version: string): number[] {
  // MariaDB behind old replication hacks calls itself 5.5.5-10.x.
  const plain = version.replace(/^5\.5\.5-(?=\d+\.\d+\.\d+-MariaDB)/i, '');
  return (/^\d+(?:\.\d+)*/.exec(plain)?.[0] ?? '').split('.').map(Number);
}
