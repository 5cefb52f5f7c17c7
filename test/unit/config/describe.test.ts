import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { configText, describeConfig, secretsOf } from '../../../agent/config/describe.ts';
import { loadConfig } from '../../../agent/config/load.ts';
import { configReference, referenceTable } from '../../../agent/config/reference.ts';
import { SHOP } from '../../helpers/configuration.ts';

describe('what `holdfast config` shows', () => {
  const config = loadConfig({
    ...SHOP,
    MYSQL_PASSWORD: 's3cret-db',
    RESTIC_REPOSITORY: 'rest:https://me:s3cret@/@url@host:8000/shop',
    RESTIC_PASSWORD: 's3cret-repository',
    AWS_SECRET_ACCESS_KEY: 's3cret-aws',
    AZURE_ACCOUNT_SAS: 's3cret-sas',
    RCLONE_CONFIG_BOX_PASS: 's3cret-rclone',
    RCLONE_CONFIG_BOX_SAS_URL: 'https://a.blob/?sig=s3cret-signature',
    RCLONE_CONFIG_BOX_CONNECTION_STRING: 'AccountKey=s3cret-connection',
    RCLONE_CONFIG_BOX_CLIENT_CERTIFICATE: 's3cret by a name that nobody would take for one',
    RCLONE_CONFIG_BOX_TYPE: 'azureblob',
    HTTP_PROXY: 'http://s3cret-token@proxy:3128',
    HTTPS_PROXY: 'http://me:s3cret-proxy@proxy:3128',
    AWS_DEFAULT_REGION: 'eu-west-1',
  });

  test('secrets everywhere → none is shown, also inside of URLs; the rest is', () => {
    const text = configText(config);
    expect(text).not.toContain('s3cret');
    expect(text).toContain('location: rest:https://me:***@host:8000/shop');
    expect(text).toContain('AWS_DEFAULT_REGION: eu-west-1');
    expect(text).toContain('HTTPS_PROXY: http://me:***@proxy:3128');
    expect(text).toContain('HTTP_PROXY: http://***@proxy:3128');
    expect(text).toContain('RCLONE_CONFIG_BOX_TYPE: azureblob');
    expect(parse(text)).toEqual(describeConfig(config));
  });

  test('secrets to mask in logs → every one of them, plain', () => {
    expect(secretsOf(config).sort()).toEqual([
      'AccountKey=s3cret-connection',
      'https://a.blob/?sig=s3cret-signature',
      's3cret-aws',
      's3cret-db',
      's3cret-proxy',
      's3cret-rclone',
      's3cret-repository',
      's3cret-sas',
      's3cret-token',
      's3cret@/@url',
    ]);
  });
});

describe('docs/configuration.md', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');

  test('every setting with its default → stands in its table as the schema has it', () => {
    expect(unpadded(docs)).toContain(unpadded(referenceTable()));
    expect(configReference().find((row) => row.variable === 'BACKUP_CRON')?.default).toBe('0 3,15 * * *');
  });

  test('its example → is accepted as it stands, and says what it means to say', () => {
    const example = /```yaml config\n(# \/etc\/holdfast\/holdfast\.yml\n.*?)```/s.exec(docs)?.[1] ?? '';
    const config = loadExample(example);
    expect(config.sources.map((source) => [source.name, source.type])).toEqual([
      ['shop', 'mysql'],
      ['blog', 'postgres'],
    ]);
    expect(config.warnings).toEqual([]);
  });
});

/** Prettier pads the cells of tables. */
function unpadded(table: string): string {
  return table.replaceAll(/ {2,}/g, ' ').replaceAll(/-{3,}/g, '---');
}

function loadExample(example: string) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-docs-'));
  try {
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'postgresql://u:p@h/blog\n');
    writeFileSync(join(folder, 'holdfast.yml'), example.replaceAll(/(?<=_file: )\S+/gi, secret));
    return loadConfig({ HOLDFAST_CONFIG: join(folder, 'holdfast.yml') });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
