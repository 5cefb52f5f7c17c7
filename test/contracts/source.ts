import { readdirSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Engine, GapName } from '../../agent/core/glossary.ts';
import type { Probe, Source, TableLoad } from '../../agent/sources/source.ts';
import { childrenNamed } from '../helpers/server.ts';
import { readDump, streamOf } from '../helpers/sources.ts';
import { until } from '../helpers/until.ts';

/** One engine on a real server, as the contract needs it. */
export interface SourceSubject {
  engine: Engine;
  programs: { dump: string; load: string };
  /** A source of the server; the administrator's unless told otherwise. */
  source(database: string, more?: SourceChoices): Source;
  createDatabase(database: string): Promise<void>;
  /** A database with all that dumps are known to lose. */
  createNasty(database: string): Promise<void>;
  /** One table `t` with about so many bytes of rows. */
  createLarge(database: string, bytes: number): Promise<void>;
  dropDatabase(database: string): Promise<void>;
  /** Everything that a database holds, as text that is the same for equal databases of different names. */
  fingerprint(database: string): Promise<string>;
  /** Runs statements in a database as the administrator. */
  sql(text: string, database: string): Promise<unknown>;
  /** Keeps others from reading `t` until what it returns is called. */
  lockTable(database: string): Promise<() => Promise<void>>;
  /** Connections of sources and their clients that are in the middle of something. */
  dumpSessions(): Promise<number>;
  endDumpSessions(): Promise<void>;
  quote(name: string): string;
  runtimeDir: string;
}

export interface SourceChoices {
  user?: string;
  password?: string;
  port?: number;
  allowIncomplete?: GapName[];
  idleTimeoutMs?: number;
}

const never = new AbortController().signal;
const MEGABYTE = 1024 * 1024;

/** Names that have hurt somebody. */
const NAMES = [
  '--result-file=x',
  '-x',
  'with space',
  `quo'te"s`,
  'back`tick',
  'back\\slash',
  'da-sh',
  'host=evil dbname=x',
  'postgresql://evil/x',
  'ünïcode-ключ-水',
  'per%cent',
  'under_score',
  'sl/ash',
  '.dot',
  'semi;colon',
  '$(touch y)',
  'MixedCase',
];

/** What every source promises. */
export function sourceContract(name: string, subject: () => SourceSubject): void {
  let number = 0;
  const newName = () => `db_${(number += 1)}`;
  const withDatabase = async (create: (database: string) => Promise<void>, database = newName()) => {
    await create(database);
    onTestFinished(() => subject().dropDatabase(database));
    return database;
  };
  const empty = () => withDatabase((database) => subject().createDatabase(database));
  const nasty = () => withDatabase((database) => subject().createNasty(database));
  const large = (bytes: number) => withDatabase((database) => subject().createLarge(database, bytes));
  const dumpPart = (source: Source, probe: Probe) => source.parts(probe).at(-1)!;
  const dumpOf = async (source: Source) => readDump(dumpPart(source, await source.probe(never)).open(never));

  describe(`source contract: ${name}`, () => {
    test('a database and a user who may see all → the probe names engine, client and tables, and no gap', async () => {
      const probe = await subject()
        .source(await nasty())
        .probe(never);
      expect(probe.engine).toBe(subject().engine);
      expect(probe.serverVersion).toMatch(/^\d+\./);
      expect(probe.client.version).toMatch(/^\d+\./);
      expect(probe.tables).toBeGreaterThan(3);
      expect(probe.databaseBytes).toBeGreaterThan(0);
      expect(probe.gaps).toEqual([]);
    });

    test('dump, load into a new database → it holds the same, object by object and row by row, and the original is untouched', async () => {
      const database = await nasty();
      const before = await subject().fingerprint(database);
      const source = subject().source(database);
      const { bytes, facts } = await dumpOf(source);
      expect(facts).toEqual({ bytes: bytes.length, warnings: [] });

      const copy = newName();
      await source.createDatabase(copy, never);
      onTestFinished(() => subject().dropDatabase(copy));
      await source.restoreInto(copy, streamOf(bytes), never);
      expect(await subject().fingerprint(copy)).toBe(before);
      expect(await subject().fingerprint(database)).toBe(before);
      expect(await source.inspect(copy, never)).toEqual(await source.inspect(database, never));
    });

    test('a load that somebody watches → every table is told by its name', async () => {
      const database = await large(100_000);
      const source = subject().source(database);
      const { bytes } = await dumpOf(source);
      const copy = await empty();
      const told: TableLoad[] = [];
      await source.restoreInto(copy, streamOf(bytes), never, { onTable: (table) => told.push(table) });
      const of = subject().engine === 'postgres' ? 1 : null;
      expect(told).toEqual([{ name: expect.stringMatching(/^(public\.)?t$/) as string, number: 1, of }]);
      expect(await subject().fingerprint(copy)).toBe(await subject().fingerprint(database));
    });

    test('a database emptied → it holds nothing, and its own dump loads into it as into a new one', async () => {
      const database = await nasty();
      const source = subject().source(database);
      const { bytes } = await dumpOf(source);
      const before = await subject().fingerprint(database);
      await source.emptyDatabase(database, never);
      const none = { tables: [], views: 0, routines: 0, triggers: 0, events: 0 };
      expect(await source.inspect(database, never)).toEqual(none);
      await source.restoreInto(database, streamOf(bytes), never);
      expect(await subject().fingerprint(database)).toBe(before);
    });

    test('two dumps of what did not change → equal bytes, part by part', async () => {
      const source = subject().source(await nasty());
      const probe = await source.probe(never);
      for (const part of source.parts(probe)) {
        const first = await readDump(part.open(never));
        const second = await readDump(part.open(never));
        expect(second.bytes.equals(first.bytes), part.path).toBe(true);
      }
    });

    test('inspect → exact rows of every table', async () => {
      const database = await large(100_000);
      await subject().sql('DELETE FROM t WHERE id <= 10', database);
      const inventory = await subject().source(database).inspect(database, never);
      expect(inventory.tables).toHaveLength(1);
      expect(inventory.tables[0]!.name).toMatch(/(^|\.)t$/);
      expect(inventory.tables[0]!.rows).toBe(90);
    });

    test('sizeOf → what a database takes on the disk, and null for one that is not there', async () => {
      const database = await large(1_000_000);
      const source = subject().source(database);
      await source.analyze(database, never);
      expect(await source.sizeOf(database, never)).toBeGreaterThan(900_000);
      expect(await source.sizeOf('nowhere', never)).toBeNull();
    });

    test('databases are created once, found by prefix, and dropped as often as you like', async () => {
      const source = subject().source(await empty());
      const target = `Scratch ${newName()}`;
      await source.createDatabase(target, never);
      await expect(source.createDatabase(target, never)).rejects.toMatchObject({ kind: 'target_not_empty' });
      expect(await source.listDatabases('Scratch ', never)).toEqual([target]);
      expect(await source.listDatabases('scratch_', never)).toEqual([]);
      await source.dropDatabase(target, never);
      await source.dropDatabase(target, never);
      expect(await source.listDatabases('Scratch ', never)).toEqual([]);
    });

    test.each(NAMES)(
      'a database named %s → is dumped and loaded as itself, and nothing else happens',
      async (weird) => {
        const database = await withDatabase(async (chosen) => {
          await subject().createDatabase(chosen);
          await subject().sql('CREATE TABLE t (id int primary key); INSERT INTO t VALUES (7), (8)', chosen);
        }, weird);
        const files = readdirSync('.');
        const source = subject().source(database);
        const probe = await source.probe(never);
        expect(probe).toMatchObject({ tables: 1, gaps: [] });
        let dump: Buffer = Buffer.alloc(0);
        for (const part of source.parts(probe)) {
          expect(part.path).toMatch(/^\/(mysql|postgres)\/[^/\p{Cc}.][^/\p{Cc}]*$/u);
          dump = (await readDump(part.open(never))).bytes;
        }
        const copy = `${weird}+copy`;
        await source.createDatabase(copy, never);
        onTestFinished(() => subject().dropDatabase(copy));
        await source.restoreInto(copy, streamOf(dump), never);
        expect(await subject().fingerprint(copy)).toBe(await subject().fingerprint(database));
        await source.emptyDatabase(copy, never);
        expect((await source.inspect(copy, never)).tables).toEqual([]);
        await source.dropDatabase(copy, never);
        expect(readdirSync('.')).toEqual(files);
      },
    );

    test('a stream of 150 MB → passes whole, counted to the byte', async () => {
      const database = await large(150 * MEGABYTE);
      const source = subject().source(database);
      const dump = dumpPart(source, await source.probe(never)).open(never);
      let bytes = 0;
      for await (const chunk of dump.stream) bytes += chunk.length;
      expect(await dump.done).toEqual({ bytes, warnings: [] });
      expect(bytes).toBeGreaterThan(128 * MEGABYTE);
    });

    test('a reader that comes late → misses nothing', async () => {
      const source = subject().source(await large(8 * MEGABYTE));
      const part = dumpPart(source, await source.probe(never));
      const prompt = await readDump(part.open(never));
      const dump = part.open(never);
      await until('the client runs', async () => childrenNamed(subject().programs.dump).length > 0);
      await new Promise((resolve) => setImmediate(resolve));
      const late = await readDump(dump);
      expect(late.bytes.equals(prompt.bytes)).toBe(true);
    });

    describe('what fails', () => {
      test('wrong password → source_denied, and the password is not in the message', async () => {
        const source = subject().source(await empty(), { password: 'geheimnis' });
        const error: unknown = await source.probe(never).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({
          kind: 'source_denied',
          hint: expect.stringContaining('password') as string,
        });
        expect(JSON.stringify(error)).not.toContain('geheimnis');
      });

      test('nothing listens → source_unreachable, with the place', async () => {
        const source = subject().source(await empty(), { port: 9 });
        await expect(source.probe(never)).rejects.toMatchObject({
          kind: 'source_unreachable',
          message: expect.stringContaining('127.0.0.1:9') as string,
        });
      });

      test('no such database → source_denied, with its name', async () => {
        await expect(subject().source('not-there').probe(never)).rejects.toMatchObject({
          kind: 'source_denied',
          message: expect.stringContaining('not-there') as string,
        });
      });

      test('a database without a table → gap "empty"; its dump is refused, unless that is allowed', async () => {
        const database = await empty();
        const source = subject().source(database);
        const probe = await source.probe(never);
        expect(probe.gaps.map((gap) => gap.name)).toEqual(['empty']);
        await expect(readDump(dumpPart(source, probe).open(never))).rejects.toMatchObject({
          kind: 'source_empty',
        });
        const allowed = subject().source(database, { allowIncomplete: ['empty'] });
        expect((await dumpOf(allowed)).bytes.length).toBeGreaterThan(0);
      });

      test('tables that went between probe and dump → source_empty before the first byte', async () => {
        const database = await large(1000);
        const source = subject().source(database);
        const probe = await source.probe(never);
        await subject().sql('DROP TABLE t', database);
        await expect(readDump(dumpPart(source, probe).open(never))).rejects.toMatchObject({
          kind: 'source_empty',
        });
      });

      test('the server ends the connection mid-dump → dump_failed; the next dump is good', async () => {
        const database = await large(64 * MEGABYTE);
        const source = subject().source(database);
        const dump = dumpPart(source, await source.probe(never)).open(never);
        let killed = false;
        for await (const chunk of dump.stream) {
          if (!killed && chunk.length > 0) await subject().endDumpSessions();
          killed = true;
        }
        await expect(dump.done).rejects.toMatchObject({
          kind: 'dump_failed',
          message: expect.stringContaining(database) as string,
          hint: expect.stringContaining('ended the connection') as string,
        });
        await dumpOf(source);
      });

      test('the dump client is killed → dump_failed with the signal', async () => {
        const database = await large(64 * MEGABYTE);
        const source = subject().source(database);
        const dump = dumpPart(source, await source.probe(never)).open(never);
        let killed = false;
        for await (const chunk of dump.stream) {
          if (!killed && chunk.length > 0)
            process.kill(childrenNamed(subject().programs.dump)[0]!, 'SIGKILL');
          killed = true;
        }
        await expect(dump.done).rejects.toMatchObject({
          kind: 'dump_failed',
          message: expect.stringContaining('SIGKILL') as string,
        });
      });

      test('abort mid-dump → within a second no client, no session on the server, no file left', async () => {
        const database = await large(64 * MEGABYTE);
        const source = subject().source(database);
        const abort = new AbortController();
        const dump = dumpPart(source, await source.probe(never)).open(abort.signal);
        let started = 0;
        for await (const chunk of dump.stream) {
          if (started === 0 && chunk.length > 0) {
            started = performance.now();
            abort.abort();
          }
        }
        await expect(dump.done).rejects.toMatchObject({ kind: 'interrupted' });
        expect(childrenNamed(subject().programs.dump)).toEqual([]);
        await until('the session is gone', async () => (await subject().dumpSessions()) === 0, 5000);
        expect(performance.now() - started).toBeLessThan(1000);
        expect(readdirSync(subject().runtimeDir)).toEqual([]);
      });

      test('abort while nobody reads → the same', async () => {
        const database = await large(64 * MEGABYTE);
        const source = subject().source(database);
        const abort = new AbortController();
        const dump = dumpPart(source, await source.probe(never)).open(abort.signal);
        await until('the client runs', async () => childrenNamed(subject().programs.dump).length > 0);
        abort.abort();
        await expect(dump.done).rejects.toMatchObject({ kind: 'interrupted' });
        expect(childrenNamed(subject().programs.dump)).toEqual([]);
        await until('the session is gone', async () => (await subject().dumpSessions()) === 0, 5000);
        for await (const chunk of dump.stream) expect(chunk).toBe('nothing more');
      });

      test('a reader that stops reading → dump_failed, and the client is gone', async () => {
        const database = await large(64 * MEGABYTE);
        const source = subject().source(database);
        const dump = dumpPart(source, await source.probe(never)).open(never);
        for await (const chunk of dump.stream) if (chunk.length > 0) break;
        await expect(dump.done).rejects.toMatchObject({ kind: 'dump_failed' });
        expect(childrenNamed(subject().programs.dump)).toEqual([]);
      });

      test('abort while a table is counted → interrupted at once, and the server stops counting', async () => {
        const database = await large(1000);
        const source = subject().source(database);
        onTestFinished(await subject().lockTable(database));
        const abort = new AbortController();
        const counting = source.inspect(database, abort.signal);
        counting.catch(() => undefined);
        await until('it waits for the lock', async () => (await subject().dumpSessions()) > 0);
        const started = performance.now();
        abort.abort();
        await expect(counting).rejects.toMatchObject({ kind: 'interrupted' });
        expect(performance.now() - started).toBeLessThan(1000);
        await until('the session is gone', async () => (await subject().dumpSessions()) === 0, 5000);
      });

      test('an aborted signal → every method refuses before it does anything', async () => {
        const database = await large(1000);
        const source = subject().source(database);
        const probe = await source.probe(never);
        const aborted = AbortSignal.abort();
        const interrupted = { kind: 'interrupted' };
        await expect(source.probe(aborted)).rejects.toMatchObject(interrupted);
        await expect(source.inspect(database, aborted)).rejects.toMatchObject(interrupted);
        await expect(source.emptyDatabase(database, aborted)).rejects.toMatchObject(interrupted);
        await expect(source.dropDatabase(database, aborted)).rejects.toMatchObject(interrupted);
        await expect(source.createDatabase('never', aborted)).rejects.toMatchObject(interrupted);
        await expect(source.restoreInto(database, streamOf(''), aborted)).rejects.toMatchObject(interrupted);
        await expect(dumpPart(source, probe).open(aborted).done).rejects.toMatchObject(interrupted);
        expect((await source.inspect(database, never)).tables).toHaveLength(1);
      });
    });

    describe('what does not load', () => {
      test('bytes that are no dump → restore_failed, and the target is as it was', async () => {
        const database = await large(1000);
        const source = subject().source(database);
        const target = await empty();
        await expect(
          source.restoreInto(target, streamOf('DROP TABLE t; garbage'), never),
        ).rejects.toMatchObject({
          kind: 'restore_failed',
        });
        expect((await source.inspect(target, never)).tables).toEqual([]);
      });

      test('a target that is not there → an error, and none is made', async () => {
        const source = subject().source(await large(1000));
        const { bytes } = await dumpOf(source);
        await expect(source.restoreInto('not-there', streamOf(bytes), never)).rejects.toThrow('not-there');
        expect(await source.listDatabases('not-there', never)).toEqual([]);
      });

      test('a stream that breaks halfway → its own error is thrown, and no client is left', async () => {
        const source = subject().source(await large(8 * MEGABYTE));
        const { bytes } = await dumpOf(source);
        const target = await empty();
        const broken = async function* () {
          yield bytes.subarray(0, bytes.length / 2);
          throw new Error('the repository broke');
        };
        await expect(source.restoreInto(target, broken(), never)).rejects.toThrow('the repository broke');
        expect(childrenNamed(subject().programs.load)).toEqual([]);
      });

      test('a client that is killed while the stream hangs → restore_failed at once', async () => {
        const source = subject().source(await large(1 * MEGABYTE));
        const { bytes } = await dumpOf(source);
        const target = await empty();
        const hanging = async function* () {
          yield bytes.subarray(0, 512 * 1024);
          await new Promise(() => undefined);
          yield bytes;
        };
        const loading = source.restoreInto(target, hanging(), never);
        loading.catch(() => undefined);
        const pid = await until(
          'the client runs',
          async () => childrenNamed(subject().programs.load)[0] ?? false,
        );
        process.kill(pid, 'SIGKILL');
        await expect(loading).rejects.toMatchObject({
          kind: 'restore_failed',
          message: expect.stringContaining('SIGKILL') as string,
        });
      });

      test('abort while the stream hangs → interrupted within a second, and no client is left', async () => {
        const source = subject().source(await large(1 * MEGABYTE));
        const { bytes } = await dumpOf(source);
        const target = await empty();
        const hanging = async function* () {
          yield bytes.subarray(0, 512 * 1024);
          await new Promise(() => undefined);
          yield bytes;
        };
        const abort = new AbortController();
        const loading = source.restoreInto(target, hanging(), abort.signal);
        loading.catch(() => undefined);
        await until('the client runs', async () => childrenNamed(subject().programs.load).length > 0);
        const started = performance.now();
        abort.abort();
        await expect(loading).rejects.toMatchObject({ kind: 'interrupted' });
        expect(performance.now() - started).toBeLessThan(1000);
        expect(childrenNamed(subject().programs.load)).toEqual([]);
      });

      test('a dump into a database that holds the same → an error or the same, never twice the rows', async () => {
        const database = await large(100_000);
        const source = subject().source(database);
        const before = await subject().fingerprint(database);
        const { bytes } = await dumpOf(source);
        await source.restoreInto(database, streamOf(bytes), never).catch(() => undefined);
        expect(await subject().fingerprint(database)).toBe(before);
      });
    });
  });
}
