/*
 * What the tenants of a set need alike stands in a script of its own, in a folder beside theirs. A tenant's prelude takes it in by its last
 * line, which psql understands.
 */

/** The script's name as seen from the preludes. */
export function sharedScript(digest: string): string {
  return `shared/${digest.slice(0, DIGITS)}.sql`;
}

/** The last line of a prelude that takes a script in. */
export function lineTakingIn(script: string): string {
  return `\\ir ${script}\n`;
}

/** The script that the last line of such a text takes in; null where it takes none in. No other name is one: none leads elsewhere. */
function takenIn(text: string): string | null {
  return /(?:^|\n)\\ir (shared\/[0-9a-f]{8}\.sql)\n$/.exec(text)?.[1] ?? null;
}

/** The bytes of a prelude, with those of the script that it takes in, which `open` gives, in the place of that line. */
export async function* withTakenIn(
  prelude: AsyncIterable<Buffer>,
  open: (script: string) => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0);
  for await (const chunk of prelude) {
    const bytes = Buffer.concat([held, chunk]);
    const settled = Math.max(0, bytes.length - LONGEST_LINE);
    if (settled > 0) yield bytes.subarray(0, settled);
    held = bytes.subarray(settled);
  }
  const script = takenIn(held.toString('latin1'));
  yield script === null ? held : held.subarray(0, held.length - lineTakingIn(script).length);
  if (script !== null) yield* open(script);
}

const DIGITS = 8;

/** No such line is longer, its line ends included. */
const LONGEST_LINE = '\n'.length + lineTakingIn(sharedScript('0'.repeat(DIGITS))).length;
