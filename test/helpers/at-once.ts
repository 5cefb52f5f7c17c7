import type { AtOnceOrder, Source } from '../../agent/sources/source.ts';
import { readDump } from './sources.ts';

const never = new AbortController().signal;

/** The bytes of a source's dump of now. */
export async function dumpOf(source: Source): Promise<Buffer> {
  const part = source.parts(await source.probe(never)).find(({ kind }) => kind === 'dump')!;
  return (await readDump(part.open(never))).bytes;
}

/** To replace a database in one transaction, after this check. */
export const order = (check: AtOnceOrder['check'] = async () => undefined): AtOnceOrder => ({
  owners: 'where-allowed',
  check,
});
