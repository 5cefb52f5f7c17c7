import { availableParallelism } from 'node:os';
import type { Compression } from '../core/glossary.ts';
import { HoldfastError } from '../core/errors.ts';
import type { Command } from './run.ts';

/**
 * Compressors that keep deduplication alive. Plain gzip changes every byte after the first difference, so that each
 * day's dump is stored whole again; the rsyncable forms start afresh every few kilobytes. Node's own zlib cannot do that.
 *
 * The levels are what `npm run bench` shows to be the best bargain: a higher one costs more time than it saves in space.
 */
export interface Compressors {
  /** The command that compresses stdin to stdout; null for `none`. */
  compress(compression: Compression): Command | null;
  /** The command that undoes it, by the file's suffix; null where the file is plain. */
  decompress(path: string): Command | null;
}

const GZIP_LEVEL = '-2';
/** Blocks of 32 KiB instead of 128: after a difference the output is the same again sooner, in half as many bytes. */
const PIGZ_BLOCK_KIBIBYTES = '32';
const ZSTD_LEVEL = '-3';
/** A window of 2^18 bytes: zstd's points of fresh start follow from it, and lie closer the smaller it is. */
const ZSTD_WINDOW = '--zstd=wlog=18';

const SUFFIXES: Record<Compression, string> = { gzip: '.gz', zstd: '.zst', none: '' };

/** The suffix that a stored file has: a person finds by it which program reads the file. */
export function suffixOf(compression: Compression): string {
  return SUFFIXES[compression];
}

/** `hasProgram` tells whether a program is on the PATH: pigz uses all cores and is not everywhere. */
export function createCompressors(hasProgram: (name: string) => boolean): Compressors {
  const gzip = hasProgram('pigz') ? 'pigz' : 'gzip';
  return {
    compress: (compression) => {
      if (compression === 'none') return null;
      if (compression === 'zstd') {
        needs(hasProgram, 'zstd', 'gzip');
        return {
          file: 'zstd',
          args: ['-q', '-c', ZSTD_LEVEL, ZSTD_WINDOW, '--rsyncable', `-T${availableParallelism()}`],
        };
      }
      needs(hasProgram, gzip, 'none');
      // Neither name nor time in the header: nothing that changes from run to run may stand at the top.
      if (gzip === 'pigz') {
        return {
          file: 'pigz',
          args: [
            ...['-c', '-n', '-m', '-R', GZIP_LEVEL],
            ...['-b', PIGZ_BLOCK_KIBIBYTES, '-p', String(availableParallelism())],
          ],
        };
      }
      return { file: 'gzip', args: ['-c', '-n', '--rsyncable', GZIP_LEVEL] };
    },
    decompress: (path) => {
      if (path.endsWith('.gz')) return { file: gzip, args: ['-d', '-c'] };
      if (path.endsWith('.zst')) return { file: 'zstd', args: ['-q', '-d', '-c'] };
      return null;
    },
  };
}

function needs(hasProgram: (name: string) => boolean, program: string, instead: Compression): void {
  if (hasProgram(program)) return;
  throw new HoldfastError('tool_missing', `${program} is not installed`, {
    hint: `Install ${program}, or set BACKUP_COMPRESSION=${instead}.`,
  });
}
