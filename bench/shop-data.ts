import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** One table as a file of tab-separated rows, which MariaDB and PostgreSQL both load. */
export interface TableData {
  name: string;
  columns: string;
  file: string;
}

/** A shop: people, what they ordered, the lines of their orders. The same rows for the same seed on every machine. */
const TABLES = [
  {
    name: 'customers',
    share: 0.1,
    columns:
      'id INTEGER PRIMARY KEY, name VARCHAR(80), email VARCHAR(120), address VARCHAR(200), created_at TIMESTAMP NULL',
    row: (id: number, random: Random) =>
      `${id}\t${random.words(2)}\t${random.word()}.${id}@example.org\t${random.words(5)} ${random.below(200)}\t${random.time()}`,
  },
  {
    name: 'items',
    share: 0.4,
    columns:
      'id INTEGER PRIMARY KEY, order_id INTEGER, sku VARCHAR(20), title VARCHAR(120), quantity INTEGER, price DECIMAL(10,2)',
    row: (id: number, random: Random) =>
      `${id}\t${id >> 1}\tSKU-${random.below(100_000)}\t${random.words(4)}\t${random.below(9)}\t${random.below(99_999) / 100}`,
  },
  {
    name: 'orders',
    share: 0.5,
    columns:
      'id INTEGER PRIMARY KEY, customer_id INTEGER, created_at TIMESTAMP NULL, status VARCHAR(12), token CHAR(16), note TEXT',
    row: (id: number, random: Random) =>
      `${id}\t${random.below(500_000)}\t${random.time()}\t${random.status()}\t${random.hex()}\t${random.phrase()} ${random.words(4)} ${random.phrase()}`,
  },
];

const WRITE_AT = 1 << 20;

/** Writes the tables' files into a folder; together they hold about so many bytes. Each day has rows of its own, with ids that follow. */
export function writeShop(folder: string, bytes: number, day: 1 | 2 | 3): TableData[] {
  return TABLES.map(({ name, share, columns, row }) => {
    const file = join(folder, `${name}-${day}.tsv`);
    const random = createRandom(day * 7919 + name.length);
    const handle = openSync(file, 'w');
    let written = 0;
    let text = '';
    for (let id = (day - 1) * 100_000_000 + 1; written + text.length < bytes * share; id += 1) {
      text += `${row(id, random)}\n`;
      if (text.length < WRITE_AT) continue;
      written += writeSync(handle, text);
      text = '';
    }
    writeSync(handle, text);
    closeSync(handle);
    return { name, columns, file };
  });
}

type Random = ReturnType<typeof createRandom>;

/** About as often as in English. */
const LETTERS = 'eeeeeetttttaaaaooooiiiinnnnsssshhhrrrddlllcuumwfgypbvk';
const STATUS = ['new', 'paid', 'packed', 'sent', 'returned'];

/** A small generator with a seed: Math.random has none. */
function createRandom(seed: number) {
  let state = seed >>> 0;
  const below = (limit: number) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  const dictionary = Array.from({ length: 3000 }, () =>
    Array.from({ length: 3 + below(7) }, () => LETTERS[below(LETTERS.length)]).join(''),
  );
  const two = (value: number) => String(value).padStart(2, '0');
  // As in any language, some words are said far more often than others.
  const word = () => dictionary[Math.floor(3000 * (below(10_000) / 10_000) ** 3)] ?? '';
  // And people paste: half of a text has been said before.
  const phrases = Array.from({ length: 500 }, () => Array.from({ length: 7 }, word).join(' '));
  return {
    below,
    phrase: () => phrases[below(phrases.length)] ?? '',
    word,
    words: (count: number) => Array.from({ length: count }, word).join(' '),
    status: () => STATUS[below(STATUS.length)] ?? '',
    hex: () => [0, 0].map(() => below(0xffffffff).toString(16).padStart(8, '0')).join(''),
    time: () =>
      `20${two(20 + below(6))}-${two(1 + below(12))}-${two(1 + below(28))} ${two(4 + below(18))}:${two(below(60))}:${two(below(60))}`,
  };
}
