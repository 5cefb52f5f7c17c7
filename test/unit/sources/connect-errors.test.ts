import { describe, expect, test } from 'vitest';
import { connectError as mysqlError } from '../../../agent/sources/mysql/errors.ts';
import { connectError as postgresError } from '../../../agent/sources/postgres/errors.ts';
import type { HoldfastError } from '../../../agent/core/errors.ts';
import { mysqlConfig, postgresConfig } from '../../helpers/sources.ts';

const failure = (code: string, message = '') => Object.assign(new Error(message), { code });
const FILE = '/etc/holdfast/holdfast.yml';

const engines: [string, (host: string, error: Error) => HoldfastError][] = [
  ['MySQL', (host, error) => mysqlError(mysqlConfig({ host }), error)],
  ['PostgreSQL', (host, error) => postgresError(postgresConfig({ host }), 'shop', error)],
];

describe.each(engines)('%s', (_, connectError) => {
  test.each(['ENOTFOUND', 'EAI_AGAIN'])(
    'the name of a service does not resolve (%s) → it may be stopped, and how to start it',
    (code) => {
      expect(connectError('db', failure(code))).toMatchObject({
        kind: 'source_unreachable',
        hint: expect.stringMatching(
          /may be stopped.*`docker compose ps --all`.*`docker compose start db`/,
        ) as string,
      });
    },
  );

  test('the name of another machine does not resolve → its spelling, and no word of compose', () => {
    const { hint } = connectError('db.example.com', failure('ENOTFOUND'));
    expect(hint).toBe('Check the spelling of db.example.com, and the name server of this machine.');
  });

  test('nothing listens → see whether it runs', () => {
    expect(connectError('db', failure('ECONNREFUSED'))).toMatchObject({
      message: expect.stringContaining('nothing listens there') as string,
      hint: expect.stringContaining('docker compose ps') as string,
    });
  });
});

describe('TLS that one side does not want → the setting, where the source is described', () => {
  const noEntry = (way: string) =>
    failure('28000', `no pg_hba.conf entry for host "10.0.0.2", user "boss", database "shop", ${way}`);

  test.each([
    ['disable', 'no encryption', /^The server may want TLS: set PGSSLMODE=require .*pg_hba\.conf/],
    ['require', 'SSL encryption', /^The server may want no TLS: set PGSSLMODE=disable .*pg_hba\.conf/],
    ['prefer', 'no encryption', /^Add a line .*host "shop" "boss" samenet scram-sha-256/],
  ] as const)('PostgreSQL, %s, and pg_hba.conf has no entry (%s)', (sslMode, way, hint) => {
    expect(postgresError(postgresConfig({ sslMode }), 'shop', noEntry(way))).toMatchObject({
      kind: 'source_denied',
      hint: expect.stringMatching(hint) as string,
    });
  });

  test('PostgreSQL without TLS', () => {
    const config = postgresConfig({ sslMode: 'require', listedIn: FILE });
    const error = new Error('The server does not support SSL connections');
    expect(postgresError(config, 'shop', error)).toMatchObject({
      kind: 'source_unreachable',
      hint: expect.stringContaining(`sslmode: prefer for source shop in ${FILE}`) as string,
    });
  });

  test('MySQL without TLS', () => {
    const config = mysqlConfig({ tls: 'required' });
    expect(mysqlError(config, failure('HANDSHAKE_NO_SSL_SUPPORT'))).toMatchObject({
      hint: 'Give the server a certificate, or set MYSQL_TLS=preferred.',
    });
  });

  test('a certificate that is not trusted', () => {
    const error = failure('HANDSHAKE_SSL_ERROR', 'self-signed certificate');
    expect(mysqlError(mysqlConfig({ tls: 'verify' }), error).hint).toContain('MYSQL_TLS=required');
    const config = postgresConfig({ sslMode: 'verify-full' });
    expect(postgresError(config, 'shop', error).hint).toContain('PGSSLMODE=require');
  });
});
