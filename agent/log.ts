import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import { pino, type DestinationStream, type Logger } from 'pino';
import { mask } from './process/lines.ts';

/**
 * JSON lines on stderr, or readable ones where stderr is a terminal; every secret of the configuration is replaced
 * whatever it came in with. A command logs nothing of its own: what it has to say is its answer.
 */
export function createLog(options: { level: string; secrets: string[]; daemon: boolean }): Logger {
  const masked: DestinationStream = { write: (text) => void writeSync(2, mask(text, options.secrets)) };
  const settings = {
    level: options.daemon ? options.level : 'silent',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (!options.daemon || !process.stderr.isTTY) return pino(settings, masked);
  return pino(settings, readable(masked));
}

/** Loaded only where somebody reads along; required, because a transport would be a thread of its own. */
function readable(masked: DestinationStream): DestinationStream {
  const require = createRequire(import.meta.url);
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      masked.write(chunk.toString('utf8'));
      done();
    },
  });
  const pretty = require('pino-pretty') as (options: object) => DestinationStream;
  return pretty({
    destination,
    sync: true,
    colorize: true,
    hideObject: true,
    messageFormat: '{msg}{if hint}\n  hint: {hint}{end}',
  });
}
