/** The beginning of a name, cut where it has more bytes than that, and a time: servers cut longer names silently, or refuse them. */
export function dated(name: string, stemBytes: number, infix: string, now: Date): string {
  const stamp = now
    .toISOString()
    .replace(/[-:]|\.\d{3}Z$/g, '')
    .replace('T', '_');
  return `${stemOf(name, stemBytes)}${infix}${stamp}`;
}

/** As much of a name as has no more bytes. */
export function stemOf(name: string, stemBytes: number): string {
  const bytes = Buffer.from(name);
  // A character that is cut in two becomes U+FFFD.
  return bytes.length <= stemBytes ? name : bytes.toString('utf8', 0, stemBytes).replace(/\uFFFD+$/, '');
}
