import { createRequire } from 'node:module';
import { pino, type DestinationStream, type Logger } from 'pino';
import { mask } from './process/lines.ts';

/**
 * JSON lines on stderr, or readable ones where stderr is a terminal; every secret of the configuration is replaced
 * whatever it came in with. A command logs nothing of its own: what it has to say is its answer.
 */
export function createLog(options: { level: string; secrets: readonly string[]; daemon: boolean }): Logger {
  // The lines are JSON: a secret with a quote or a backslash stands there escaped.
  const masked = (text: string) =>
    mask(
      text,
      options.secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]),
    );
  const settings = {
    level: options.daemon ? options.level : 'silent',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: masked },
  };
  // Synchronous, and patient with a full pipe or disk: a line of log must never end a run.
  const stderr = pino.destination({ dest: 2, sync: true, maxLength: MOST_WAITING_BYTES });
  stderr.on('error', () => undefined);
  if (!options.daemon || !process.stderr.isTTY) return pino(settings, stderr);
  return pino(settings, readable());
}

/** Of lines that could not be written yet; those beyond are lost. */
const MOST_WAITING_BYTES = 1024 * 1024;

/** Loaded only where somebody reads along; required, because a transport would be a thread of its own. */
function readable(): DestinationStream {
  const require = createRequire(import.meta.url);
  const pretty = require('pino-pretty') as (options: object) => DestinationStream;
  return pretty({
    destination: 2,
    sync: true,
    colorize: true,
    hideObject: true,
    messageFormat: '{msg}{if hint}\n  hint: {hint}{end}',
  });
}
