import { HoldfastError } from '../../core/errors.ts';
import type { ByteFilter } from '../bytes/line-rewriter.ts';
import type { DatabaseCharset } from './contents.ts';
import { quoteName } from './names.ts';

/** What stands above a dump, so that it finds its database when nobody names one. */
export interface DumpHeader extends DatabaseCharset {
  database: string;
}

const OPENING =
  '-- Holdfast dump. The next statements choose the database; `holdfast restore --to` leaves them out.\n' +
  // The client's own character set may be latin1, which would read another name.
  '/*!40101 SET NAMES utf8mb4 */;\n';
const MAX_HEADER_BYTES = 2048;

export function writeHeader(header: DumpHeader): string {
  const name = quoteName(header.database);
  return (
    `${OPENING}CREATE DATABASE IF NOT EXISTS ${name} ` +
    `DEFAULT CHARACTER SET ${header.charset} COLLATE ${header.collation};\nUSE ${name};\n\n`
  );
}

/**
 * Takes exactly the header off a dump and hands on what `replace` makes of it. Throws `restore_failed` when the stream
 * does not begin with one: what chooses its database by itself must never be loaded in the hope that it chooses ours.
 */
export function createHeaderFilter(replace: (header: DumpHeader) => string): ByteFilter {
  let held: Buffer | null = Buffer.alloc(0);
  const settle = (head: Buffer): Buffer[] => {
    const { header, bytes } = readHeader(head);
    held = null;
    return [Buffer.from(replace(header)), head.subarray(bytes)];
  };
  return {
    push: (chunk) => {
      if (held === null) return [chunk];
      held = Buffer.concat([held, chunk]);
      return held.length < MAX_HEADER_BYTES ? [] : settle(held);
    },
    end: () => (held === null ? [] : settle(held)),
  };
}

function readHeader(head: Buffer): { header: DumpHeader; bytes: number } {
  const text = head.toString('utf8', 0, MAX_HEADER_BYTES);
  const match =
    /^CREATE DATABASE IF NOT EXISTS (`(?:[^`]|``)+`) DEFAULT CHARACTER SET (\w+) COLLATE (\w+);\nUSE (`(?:[^`]|``)+`);\n\n/.exec(
      text.startsWith(OPENING) ? text.slice(OPENING.length) : '',
    );
  const [whole, name, charset, collation, used] = match ?? [];
  if (
    whole === undefined ||
    name === undefined ||
    charset === undefined ||
    collation === undefined ||
    name !== used
  ) {
    throw new HoldfastError(
      'restore_failed',
      'this is no dump of Holdfast: its header is missing or damaged',
      {
        hint: 'Load it by hand with the mysql client, after looking at which database it chooses.',
      },
    );
  }
  return {
    header: { database: name.slice(1, -1).replaceAll('``', '`'), charset, collation },
    bytes: Buffer.byteLength(OPENING + whole),
  };
}
