import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCompressors } from '../../../agent/process/compress.ts';
import { readDumpFile } from '../../../agent/repository/read-file.ts';
import { readPrelude } from '../../../agent/repository/read-prelude.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { testProcesses } from '../../helpers/sources.ts';

const HEAD = '-- what tenant 42 needs\n';
const SHARED = 'CREATE TYPE mood AS ENUM ();\n';

/** What is read of a prelude that lies beside `shared/0123abcd.sql`. */
async function reading(prelude: string, folder = folderOfSet()): Promise<string> {
  const deps = { processes: testProcesses(), compressors: createCompressors(() => false) };
  const { signal } = new AbortController();
  const path = join(folder, 'tenant_42.prelude.sql');
  writeFileSync(path, prelude);
  let text = '';
  for await (const piece of readPrelude(path, (file) => readDumpFile(file, deps, signal)))
    text += piece.toString();
  return text;
}

function folderOfSet(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'shared'));
  writeFileSync(join(folder, 'shared/0123abcd.sql'), SHARED);
  return folder;
}

test('a prelude takes a shared script in → it stands in the place of that line', async () => {
  expect(await reading(`${HEAD}\n\\ir shared/0123abcd.sql\n`)).toBe(`${HEAD}\n${SHARED}`);
  expect(await reading('\\ir shared/0123abcd.sql\n')).toBe(SHARED);
});

test.each([
  ['nothing', HEAD],
  ['a file of another folder', `${HEAD}\\ir ../0123abcd.sql\n`],
  ['a way out of the folder', `${HEAD}\\ir shared/../../0123abcd.sql\n`],
  ['a name that no set has', `${HEAD}\\ir shared/other.sql\n`],
  ['the script in a line that is not the last', `\\ir shared/0123abcd.sql\n${HEAD.repeat(9)}`],
])('a prelude takes in %s → it stays as it is', async (_what, prelude) => {
  expect(await reading(prelude)).toBe(prelude);
});

test('the shared script is not there, or is a link out of the folder → refused, with what to write', async () => {
  const prelude = `${HEAD}\\ir shared/00000000.sql\n`;
  const folder = folderOfSet();
  await expect(reading(prelude, folder)).rejects.toThrow(
    /takes in shared\/00000000\.sql, which cannot be read: ENOENT/,
  );
  symlinkSync('/etc/passwd', join(folder, 'shared/00000000.sql'));
  await expect(reading(prelude, folder)).rejects.toThrow(/cannot be read: it is a link to \/etc\/passwd/);
});
