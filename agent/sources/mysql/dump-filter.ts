import { HoldfastError } from '../../core/errors.ts';
import { createByteReplacer } from '../bytes/byte-replacer.ts';
import { chainFilters, createLineRewriter, type ByteFilter, type LineRule } from '../bytes/line-rewriter.ts';
import { DEFINER_RULES } from './definers.ts';
import { watchLastLine } from './last-line.ts';
import { unquoted, watchCounters } from './proof/counters.ts';

/** What a dump goes through: our header before it, definers taken out, its end and its tables watched. */
export interface DumpFilter extends ByteFilter {
  /** Tables whose CREATE TABLE passed. */
  readonly tables: ReadonlySet<string>;
  /** What comes next of auto-increments and sequences, as the dump carries it. */
  readonly counters: ReadonlyMap<string, string>;
  /** Throws `dump_incomplete` when the last line that passed is not the client's "completed". */
  requireEnd(): void;
}

/**
 * MySQL keeps the `;` behind a trigger or an event that came in a query of several statements, and mysqldump then writes
 * what no server loads. Both ends stand on lines of their own, which no row can imitate.
 */
const STRAY_SEMICOLONS: [string, string][] = [
  ['; */;;\nDELIMITER ;\n', ' */;;\nDELIMITER ;\n'],
  ['; */ ;;\n/*!50003 SET time_zone ', ' */ ;;\n/*!50003 SET time_zone '],
];

export function createDumpFilter(header: string): DumpFilter {
  const tables = new Set<string>();
  const counters = new Map<string, string>();
  let table: string | null = null;
  // In the text of a program anything may stand, also what reads like a table.
  let inProgram = false;
  const onTable = (name: string) => {
    if (inProgram) return;
    table = tables.has(name) ? null : name;
    tables.add(name);
  };
  const onCounter = (name: string, value: string) => {
    if (inProgram) return;
    table = null;
    if (!counters.has(name)) counters.set(name, value);
  };
  const watched = [watchTables(onTable), ...watchCounters(() => table, onCounter)];
  const rewriter = chainFilters(
    createByteReplacer(STRAY_SEMICOLONS),
    createLineRewriter([...DEFINER_RULES, ...watchPrograms((is) => (inProgram = is)), ...watched]),
  );
  let begun = false;
  const lastLine = watchLastLine();
  return {
    tables,
    counters,
    push: (chunk) => {
      lastLine.push(chunk);
      const out = rewriter.push(chunk);
      if (begun) return out;
      begun = true;
      return [Buffer.from(header), ...out];
    },
    end: () => rewriter.end(),
    requireEnd: () => {
      if (lastLine.isThere()) return;
      throw new HoldfastError('dump_incomplete', 'the dump ended without its last line "-- Dump completed"', {
        hint: 'The dump was cut short: see the log of the database server, then back up again.',
      });
    },
  };
}

/** Tells where the text of routines, triggers and events begins and ends. Changes nothing. */
function watchPrograms(inside: (is: boolean) => void): LineRule[] {
  const seen = (is: boolean) => () => {
    inside(is);
    return null;
  };
  return [
    { start: 'DELIMITER ;;\n', rewrite: seen(true) },
    { start: 'DELIMITER ;\n', after: ';;', rewrite: seen(false) },
  ];
}

/** Changes nothing. */
function watchTables(seen: (name: string) => void) {
  return {
    start: 'CREATE TABLE `',
    rewrite: (text: string) => {
      const name = /^CREATE TABLE (`(?:[^`]|``)+`)/.exec(text)?.[1];
      if (name !== undefined) seen(unquoted(name));
      return null;
    },
  };
}
