import { expect, test } from 'vitest';
import { emptyDatabase } from '../../../agent/sources/mysql/objects.ts';
import type { MysqlSession } from '../../../agent/sources/mysql/session.ts';

/** A server with one procedure, whose drop it refuses in these words. */
function refusing(message: string): MysqlSession {
  const query = (sql: string) =>
    sql.startsWith('DROP')
      ? Promise.reject(Object.assign(new Error(message), { code: 'ER_SPECIFIC_ACCESS_DENIED_ERROR' }))
      : Promise.resolve([{ kind: 'PROCEDURE', name: 'p' }]);
  return { flavour: 'mysql', version: '9.7.4', account: 'app@%', encrypted: false, query };
}

test.each([
  ['a right on the database', 'alter routine command denied', /GRANT ALL PRIVILEGES ON `shop`/],
  [
    'an administrator’s own',
    'you need (at least one of) the SYSTEM_USER privilege(s)',
    /^Restore as an administrator/,
  ],
])(
  'a database that cannot be emptied for want of %s → rights_missing, with what helps',
  async (_, said, hint) => {
    await expect(emptyDatabase(refusing(said), 'shop')).rejects.toMatchObject({
      kind: 'rights_missing',
      hint: expect.stringMatching(hint) as string,
    });
  },
);
