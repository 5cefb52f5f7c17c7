import { HoldfastError } from '../../core/errors.ts';
import type { ByteFilter } from '../bytes/line-rewriter.ts';

export interface ScriptFilter extends ByteFilter {
  /** Throws `dump_incomplete` when the script did not end with its last line. */
  requireEnd(): void;
}

/**
 * Passes a plain script of pg_dump, pg_dumpall or pg_restore, behind `head` where there is one, and knows whether its last line came:
 * `cluster dump` or `dump` complete.
 */
export function createScriptFilter(what: {
  ends: 'cluster dump' | 'dump';
  /** What to say when it did not. */
  cut: string;
  head?: string;
}): ScriptFilter {
  const last = new RegExp(
    `\\n-- PostgreSQL database ${what.ends} complete\\n[-\\s]*(?:\\\\unrestrict \\w+\\s*)?$`,
  );
  let head = what.head ?? '';
  let tail = Buffer.alloc(0);
  return {
    push: (chunk) => {
      tail = Buffer.concat([tail, chunk.subarray(-1024)]).subarray(-1024);
      if (head === '') return [chunk];
      const first = Buffer.from(head);
      head = '';
      return [first, chunk];
    },
    end: () => [],
    requireEnd: () => {
      if (last.test(tail.toString('latin1'))) return;
      throw new HoldfastError('dump_incomplete', what.cut, {
        hint: 'The dump was cut short: see the log of the database server, then back up again.',
      });
    },
  };
}
