import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Environment } from '../../../agent/config/environment.ts';
import { loadConfig } from '../../../agent/config/load.ts';
import { problemsOf, SHOP } from '../../helpers/configuration.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const WITHOUT: Environment = { ...SHOP, RESTIC_REPOSITORY: '' };
const BUCKET = { S3_BUCKET: 'mine', S3_PATH: 'clinic/db', AWS_REGION: 'eu-south-1' };
const STANDS_FOR = 's3:https://s3.eu-south-1.amazonaws.com/mine/clinic/db';

describe('a bucket in place of a repository', () => {
  test.each([
    { given: BUCKET, location: STANDS_FOR },
    { given: { S3_BUCKET: 'mine' }, location: 's3:https://s3.us-east-1.amazonaws.com/mine' },
    {
      given: { S3_BUCKET: 'mine', AWS_DEFAULT_REGION: 'eu-west-1' },
      location: 's3:https://s3.eu-west-1.amazonaws.com/mine',
    },
    {
      given: { S3_BUCKET: 'mine', S3_ENDPOINT: 'https://s3.example.com/', S3_PATH: '/db/' },
      location: 's3:https://s3.example.com/mine/db',
    },
  ])('$given → the repository there', ({ given, location }) => {
    const config = loadConfig({ ...WITHOUT, ...given });
    expect(config.repository.location).toBe(location);
    expect(config.warnings).toEqual([]);
  });

  test('restic gets what it knows of it, and no more', () => {
    expect(loadConfig({ ...WITHOUT, ...BUCKET }).repository.environment).toEqual({
      AWS_REGION: 'eu-south-1',
    });
  });

  test('a path without a bucket → no repository', () => {
    expect(problemsOf({ ...WITHOUT, S3_PATH: 'db' })).toEqual(['RESTIC_REPOSITORY is missing']);
  });

  test('a slip of the pen → is told', () => {
    expect(loadConfig({ ...SHOP, S3_BUKET: 'mine' }).warnings).toEqual([
      'S3_BUKET is no setting; did you mean S3_BUCKET?',
    ]);
  });
});

describe('a bucket beside a repository', () => {
  const both = (name: string) =>
    `S3_BUCKET stands for the repository ${STANDS_FOR}, and ${name} names another one: remove one of the two`;

  test('another one → refused with both names, whichever way it is named', () => {
    expect(problemsOf({ ...SHOP, ...BUCKET })).toEqual([both('RESTIC_REPOSITORY')]);
    const file = join(temporaryFolder(), 'repository');
    writeFileSync(file, '/repository\n');
    expect(problemsOf({ ...WITHOUT, ...BUCKET, RESTIC_REPOSITORY_FILE: file })).toEqual([
      both('RESTIC_REPOSITORY_FILE'),
    ]);
  });

  test('the same one → taken', () => {
    const config = loadConfig({ ...SHOP, ...BUCKET, RESTIC_REPOSITORY: `${STANDS_FOR}/` });
    expect(config.repository.location).toBe(`${STANDS_FOR}/`);
  });

  test('the file names another one → the file wins, and a warning tells it', () => {
    const path = join(temporaryFolder(), 'holdfast.yml');
    writeFileSync(path, 'repository: { location: /elsewhere }\n');
    const config = loadConfig({ ...WITHOUT, ...BUCKET, HOLDFAST_CONFIG: path });
    expect(config.repository.location).toBe('/elsewhere');
    expect(config.warnings).toEqual([`S3_BUCKET is not used: ${path} sets repository.location`]);
  });
});
