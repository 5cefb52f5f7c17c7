import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../../agent/config/load.ts';
import type { Environment } from '../../../agent/config/environment.ts';
import type { Block } from '../../helpers/docs.ts';
import { marked } from '../../helpers/documented.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const POSTGRES = 'postgresql://holdfast:secret@db/clinic';

/** Every file in which a document keeps a secret, in a folder of the test: a database's address where its name says so. */
function withSecrets(text: string): string {
  const folder = temporaryFolder();
  return text.replace(/\/(?:run\/secrets|etc\/holdfast)\/([\w-]+)(?![\w.])/g, (_, name: string) => {
    const path = join(folder, name);
    writeFileSync(path, name.includes('url') ? `${POSTGRES}\n` : 'secret\n');
    return path;
  });
}

const placed = (blocks: Block[]) =>
  blocks.map(({ file, line, text }) => ({ where: `${file}:${line}`, text }));

describe('a configuration that is printed', () => {
  test.each(placed(marked('config', 'yaml')))(
    '$where → is taken as it stands, and no warning',
    ({ text }) => {
      const here = withSecrets(text);
      const { services } = parse(here) as { services?: { db_backup: { environment: Environment } } };
      const path = join(temporaryFolder(), 'holdfast.yml');
      writeFileSync(path, here);
      const config = loadConfig(
        // A file with the sources alone leaves the repository to the environment.
        services?.db_backup.environment ?? {
          HOLDFAST_CONFIG: path,
          ...(here.includes('repository:') ? {} : { RESTIC_REPOSITORY: '/repository' }),
        },
      );
      expect(config.warnings).toEqual([]);
      expect(config.sources.length).toBeGreaterThan(0);
    },
  );
});

describe('lines of an .env that are printed', () => {
  const base = (named: string[]): Environment => {
    const has = (pattern: RegExp) => named.some((name) => pattern.test(name));
    return {
      ...(has(/^RESTIC_REPOSITORY/) ? {} : { RESTIC_REPOSITORY: '/repository' }),
      ...(has(/^DATABASE_URL|^MYSQL_/) ? {} : { DATABASE_URL: POSTGRES }),
      ...(has(/^MYSQL_/) && !has(/^MYSQL_HOST/)
        ? { MYSQL_HOST: 'db', MYSQL_DATABASE: 'shop', MYSQL_USER: 'holdfast' }
        : {}),
    };
  };

  test.each(placed(marked('settings', 'ini')))(
    '$where → are taken as they stand, and no warning',
    ({ text }) => {
      const given = parseEnv(withSecrets(text));
      const config = loadConfig({ ...base(Object.keys(given)), ...given });
      expect(config.warnings).toEqual([]);
      expect(config.sources).toHaveLength(1);
    },
  );
});
