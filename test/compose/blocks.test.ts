import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { expect, it, onTestFinished } from 'vitest';
import { marked } from '../helpers/documented.ts';
import { repositoryRoot, Stack } from '../helpers/stack.ts';

interface Project {
  services: Record<string, object>;
}

/** A project that has the files which a printed one mounts, and nothing more. */
const LEAST = 'include: [holdfast/compose.holdfast.yml]\nservices: { app: { image: your/shop } }\n';

it.each(marked('compose', 'yaml'))(
  '$file:$line → compose takes it, whole or beside a compose.yml',
  async ({ text }) => {
    const stack = await Stack.create({ clone: 'holdfast', files: { 'db-password': 'secret' } });
    onTestFinished(() => stack.remove());
    const whole = text.startsWith('include:');
    writeFileSync(join(stack.folder, 'compose.yml'), whole ? text : LEAST);
    if (!whole) writeFileSync(join(stack.folder, 'compose.override.yml'), text);
    cpSync(join(repositoryRoot, '.env.example'), join(stack.clone, '.env'));
    const config = JSON.parse(await stack.ask('docker compose config --format json')) as Project;
    const printed = parse(text) as Project;
    expect(Object.keys(config.services)).toEqual(
      expect.arrayContaining([...Object.keys(printed.services), 'db_backup', 'sentinel', 'nginx']),
    );
    for (const [name, service] of Object.entries(printed.services)) {
      if ('image' in service) expect(config.services[name]).toMatchObject({ image: service.image });
      if ('environment' in service)
        expect(config.services[name]).toMatchObject({ environment: service.environment });
    }
  },
);
