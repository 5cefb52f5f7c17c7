import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { settingsOf } from '../../../agent/config/environment.ts';
import { configReference } from '../../../agent/config/reference.ts';
import { COMPOSE_VARIABLES, SENTINEL_VARIABLES } from '../../../agent/config/others-variables.ts';
import { S3_VARIABLES } from '../../../agent/config/s3-bucket.ts';
import { CONFIG_FILE_VARIABLE, SETTINGS } from '../../../agent/config/settings.ts';
import { readSettings } from '../../../sentinel/settings.ts';
import { blocksOf, documents, readDocument } from '../../helpers/docs.ts';
import { repositoryRoot } from '../../helpers/stack.ts';

const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8');

const ofAgent = SETTINGS.flatMap(({ variable }) => (variable === null ? [] : [variable]));
const asFile = SETTINGS.flatMap(({ variable, secret }) =>
  variable !== null && secret ? [`${variable}_FILE`] : [],
);
/** The sentinel tells them itself, to whoever gives it one that it does not know. */
const ofSentinel =
  /one of (.*)/.exec((readSettings({ SENTINEL_NO_SUCH: '1' }) as string[]).join())?.[1]?.split(', ') ?? [];
const ofCompose = [
  'docker-compose.yml',
  'compose.holdfast.yml',
  'scripts/demo-app/compose.agent.yml',
].flatMap((file) => [...read(file).matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name));
const known = new Set([
  ...ofAgent,
  ...asFile,
  ...ofSentinel,
  ...ofCompose,
  ...S3_VARIABLES,
  CONFIG_FILE_VARIABLE,
]);

/** Whether it reaches restic as it is: `AWS_ACCESS_KEY_ID`, `B2_ACCOUNT_ID`, … */
const isForRestic = (name: string) =>
  settingsOf({ [name]: 'x' }).some(({ path }) => path[1] === 'environment' && path[2] === name) ||
  (name.endsWith('_FILE') && settingsOf({ [name.slice(0, -'_FILE'.length)]: 'x' }).length > 0);

describe('.env.example', () => {
  const given = [...read('.env.example').matchAll(/^#?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(
    ([, name = '', value = '']) => ({ name, value }),
  );
  const names = given.map(({ name }) => name);

  test('its variables → are all known', () => {
    expect(names.filter((name) => !known.has(name) && !isForRestic(name))).toEqual([]);
  });

  test('each variable of the agent, the sentinel and the compose files → stands in it, once', () => {
    const wanted = [...ofAgent, ...ofSentinel, ...ofCompose, ...S3_VARIABLES, CONFIG_FILE_VARIABLE];
    expect([...new Set(wanted)].filter((name) => !names.includes(name))).toEqual([]);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  test('its values → are the defaults, except for what the compose files set', () => {
    const defaults = new Map(configReference().map((row) => [row.variable, row.default]));
    const image = ['HOLDFAST_RESTIC'];
    const wrong = given.filter(({ name, value }) => {
      const fallback = defaults.get(name);
      if (fallback === null || fallback === undefined || image.includes(name)) return false;
      return !fallback.split('` or `').includes(value);
    });
    expect(wrong).toEqual([]);
  });

  test('everything in it is commented out → a copy of it changes nothing', () => {
    expect(
      read('.env.example')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#')),
    ).toEqual([]);
  });
});

describe('what the agent knows of the others', () => {
  test('the variables of the sentinel → are those that it reads', () => {
    expect(SENTINEL_VARIABLES).toEqual(ofSentinel);
  });

  test('the variables of the compose files → are there, and each with a prefix of ours is known', () => {
    expect(COMPOSE_VARIABLES.filter((name) => !ofCompose.includes(name))).toEqual([]);
    const unknown = ofCompose.filter(
      (name) => /^(HOLDFAST|POSTGRES)_/.test(name) && ![...ofAgent, ...COMPOSE_VARIABLES].includes(name),
    );
    expect(unknown).toEqual([]);
  });
});

describe('variables that the documents name', () => {
  const ours =
    /^(?:BACKUP|VERIFY|HOLDFAST|SENTINEL|RESTIC|S3|GATE|MYSQL|DATABASE|HTTP_PORT|POSTGRES_CLIENTS|PGSSL)/;
  /** What MySQL's own image and clients call theirs, names that stand for others, and ones that are refused. */
  const foreign = new Set(['MYSQL_PWD', 'BACKUP_KEEP_DAYLY', 'RESTIC_PASSWORD_COMMAND', 'RESTIC_HOST']);

  test.each(documents())('in %s → exist', (path) => {
    const prose = [...readDocument(path).matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]*)(?:=[^`]*)?`/g)];
    const ini = blocksOf(path, 'ini').flatMap(({ text }) => [...text.matchAll(/^([A-Z][A-Z0-9_]*)=/gm)]);
    const named = [...prose, ...ini].map(([, name = '']) => name).filter((name) => ours.test(name));
    const isPrefix = (name: string) => name.endsWith('_');
    const unknown = named.filter(
      (name) => !known.has(name) && !isForRestic(name) && !isPrefix(name) && !foreign.has(name),
    );
    expect([...new Set(unknown)]).toEqual([]);
  });
});
