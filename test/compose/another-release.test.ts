import { beforeAll, describe, expect, it } from 'vitest';
import { describe as show } from '../helpers/shell.ts';
import { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';

/*
 * docs/proof-postgres.md, "On another release": the old server is lost, and the new one is of the next major. What it writes otherwise
 * refuses nothing, and nothing that was not compared is put in place without a word.
 */

const DATA = `CREATE EXTENSION pgcrypto;
CREATE COLLATION numeric_order (provider = icu, locale = 'en-u-kn');
CREATE TABLE berths (id serial PRIMARY KEY, name text COLLATE numeric_order NOT NULL, kind varchar(20) CHECK (kind IN ('dry', 'wet')),
  loud text GENERATED ALWAYS AS (upper(kind)) STORED, since date DEFAULT now());
CREATE TABLE moorings (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, berth int REFERENCES berths, fee numeric(10,2));
CREATE STATISTICS hand_in_hand (dependencies) ON kind, since FROM berths;
CREATE VIEW names AS SELECT name, kind FROM berths WHERE id > 3;
CREATE FUNCTION dues(fee numeric) RETURNS numeric LANGUAGE sql RETURN fee * 2;
CREATE PUBLICATION paper FOR TABLE berths, moorings WHERE (fee > 1);
INSERT INTO berths (name, kind) SELECT 'n' || i, CASE WHEN i % 2 = 0 THEN 'dry' ELSE 'wet' END FROM generate_series(1, 500) i;
INSERT INTO moorings (berth, fee) SELECT i, i / 7.0 FROM generate_series(1, 500) i;
`;

const server = (major: number) => `image: postgres:${major}-trixie
    environment: { POSTGRES_USER: keeper, POSTGRES_PASSWORD: secret, POSTGRES_DB: harbour }`;

const ROWS =
  "SELECT (SELECT md5(string_agg(b::text, ',' ORDER BY id)) FROM berths b), (SELECT md5(string_agg(m::text, ',' ORDER BY id)) FROM moorings m)";

describe('a backup of PostgreSQL 17 on a server of PostgreSQL 18', () => {
  let stack: Stack;
  const ask = (service: string, sql: string) =>
    stack.ask(`docker compose exec -T ${service} psql -qAt -U keeper -d harbour -c "${sql}"`);
  /** The agent, to whom this server is the one that there is. */
  const holdfast = (service: string, command: string, more = '') =>
    stack.try(
      `docker compose run --rm -T -e DATABASE_URL=postgresql://keeper:secret@${service}:5432/harbour ${more} db_backup holdfast ${command}`,
    );

  beforeAll(async () => {
    stack = await Stack.create({
      clone: 'holdfast',
      files: {
        'compose.yml': `include:
  - holdfast/compose.holdfast.yml

services:
  old:
    ${server(17)}
  new:
    ${server(18)}
`,
        'data.sql': DATA,
        'holdfast/.env': 'RESTIC_PASSWORD=stored-elsewhere\n',
      },
    });
    return () => stack.remove();
  });

  beforeAll(() =>
    stack.explained(async () => {
      await stack.sh('docker compose up -d old new', 240_000);
      // The server that the image starts to initialize itself listens on the socket alone.
      for (const service of ['old', 'new']) {
        const listens = `docker compose exec -T ${service} bash -c '</dev/tcp/127.0.0.1/5432'`;
        await until(
          'the server is the one that stays',
          async () => (await stack.try(listens)).code === 0,
          120_000,
        );
      }
      await stack.sh(
        'docker compose exec -T old psql -q -v ON_ERROR_STOP=1 -U keeper -d harbour -f - <data.sql',
      );
      const stored = await holdfast('old', 'backup');
      expect(stored.code, show(stored)).toBe(0);
    }),
  );

  it('is restored, with a warning that names what was not compared; definitions are equal', async () => {
    const restored = await holdfast('new', 'restore harbour --yes');
    expect(restored.code, show(restored)).toBe(3);
    expect(restored.stderr).toMatch(
      /: 2 tables, 1000 rows; 2 tables, 1000 rows and \d+ objects as in the source, as far as that could be compared/,
    );
    expect(restored.stderr).toMatch(
      /warning: .*equality is not proven: the rows of public\.berths, public\.moorings could not be compared: .*PostgreSQL 18, UTF8; extension pgcrypto has version 1\.4, and the source had 1\.3$/m,
    );
    expect(await ask('new', ROWS)).toBe(await ask('old', ROWS));
  });

  it('is verified there as restored and never as proved; on a server of its own release it is proved', async () => {
    const scratch = '-e VERIFY_SERVER=postgresql://keeper:secret@new:5432/postgres';
    const there = await holdfast('old', 'verify', scratch);
    expect(there.code, show(there)).toBe(3);
    expect(there.stderr).toMatch(
      /; not proven: the rows of public\.berths, public\.moorings could not be compared/,
    );
    const here = await holdfast('old', 'verify');
    expect(here.code, show(here)).toBe(0);
    expect(here.stderr).toMatch(/equal to the source; proved/);
  });
});
