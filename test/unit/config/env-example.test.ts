import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configReference } from '../../../agent/config/reference.ts';
import { readSettings } from '../../../sentinel/settings.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');

/** `#NAME=value` lines; what is not commented out would change a default by being copied. */
const example = new Map(
  [...read('.env.example').matchAll(/^#?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name, value]) => [
    name ?? '',
    value ?? '',
  ]),
);
const composeVariables = new Map(
  ['docker-compose.yml', 'compose.holdfast.yml', 'scripts/demo-app/compose.agent.yml']
    .flatMap((name) => [...read(name).matchAll(/\$\{([A-Z][A-Z0-9_]*)(?::-([^}]*))?\}/g)])
    .map(([, name, fallback]) => [name ?? '', fallback]),
);

describe('.env.example', () => {
  it('sets nothing by being copied', () => {
    expect(read('.env.example')).not.toMatch(/^[A-Z]/m);
  });

  it('names each variable once', () => {
    const names = read('.env.example').match(/^#[A-Z][A-Z0-9_]*(?==)/gm) ?? [];
    expect(names).toHaveLength(example.size);
  });

  it('names every variable of the agent, with its default', () => {
    for (const { variable, default: fallback } of configReference()) {
      if (variable === null) continue;
      expect([...example.keys()], variable).toContain(variable);
      // The compose files give their own: the demo's database, the image's restic.
      if (fallback === null || composeVariables.has(variable) || variable === 'HOLDFAST_RESTIC') continue;
      expect(fallback.split('` or `'), variable).toContain(example.get(variable));
    }
  });

  it('names every variable of the sentinel, with its default', () => {
    const given = Object.fromEntries([...example].filter(([name]) => name.startsWith('SENTINEL_')));
    expect(readSettings(given)).toEqual(readSettings({}));
    const problems = readSettings({ SENTINEL_NO_SUCH_VARIABLE: '1' });
    const known = Array.isArray(problems) ? problems.join().match(/SENTINEL_[A-Z_]+/g) : null;
    expect(Object.keys(given).sort()).toEqual(
      known?.filter((name) => name !== 'SENTINEL_NO_SUCH_VARIABLE').sort(),
    );
  });

  it('names every variable of the compose files, with the default that stands there', () => {
    for (const [name, fallback] of composeVariables) {
      expect([...example.keys()], name).toContain(name);
      if (fallback !== undefined) expect(example.get(name), name).toBe(fallback);
    }
  });
});
