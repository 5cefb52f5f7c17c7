import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repositoryRoot, Stack } from '../helpers/stack.ts';

it('an .env with every default written out changes nothing', async () => {
  const stack = await Stack.create();
  try {
    const config = () =>
      stack.ask(
        'docker compose run --rm db_backup holdfast config && docker compose config --services | sort',
      );
    const before = await config();
    writeFileSync(join(stack.folder, '.env'), everyDefault());
    expect(await config()).toBe(before);
  } finally {
    await stack.remove();
  }
});

/** .env.example with the `#` taken away, but for what this test sets by itself and for the address that excludes the MYSQL_ ones. */
function everyDefault(): string {
  const others = ['DATABASE_URL', 'HTTP_PORT', 'HOLDFAST_CONFIG', 'POSTGRES_CLIENTS'];
  return [
    ...readFileSync(join(repositoryRoot, '.env.example'), 'utf8').matchAll(/^#([A-Z][A-Z0-9_]*)=(.+)$/gm),
  ]
    .filter(([, name = '']) => !others.includes(name) && !name.endsWith('_IMAGE'))
    .map(([, name, value]) => `${name}='${value}'`)
    .join('\n');
}
