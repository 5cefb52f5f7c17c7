#!/usr/bin/env node
import { pino, type Logger } from 'pino';
import { createApp, type App } from './app.ts';
import { createPrint } from './cli/print.ts';
import { runCommandLine } from './cli/program.ts';
import { baseEnvironment, processEnvironment } from './config/environment.ts';
import { loadConfig } from './config/load.ts';
import { HoldfastError } from './core/errors.ts';

const print = createPrint(process.stdout, process.stderr);
const environment = processEnvironment();
const stop = new AbortController();
let app: App | null = null;

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    // The second one is from somebody who cannot wait: the children die with us, the next start puts things in order.
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new HoldfastError('interrupted', `it was told to stop (${name})`));
  });
}
// `restic unlock` sends a SIGHUP to the process id in a lock, and that may be ours by now.
process.on('SIGHUP', () => undefined);
// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', () => undefined);

const context = {
  print,
  signal: stop.signal,
  exitCode: 0,
  config: () => loadConfig(environment),
  app: (options?: { daemon: boolean }) => {
    const config = loadConfig(environment);
    app = createApp(
      config,
      baseEnvironment(environment),
      createLog(config.log.level, options?.daemon === true),
    );
    return app;
  },
};
const exitCode = await runCommandLine(process.argv, context);
(app as App | null)?.close();
process.exit(exitCode);

/** The daemon logs everything from its level on; a command says only what went wrong, its answer tells the rest. */
function createLog(level: string, daemon: boolean): Logger {
  const options = { level: daemon ? level : 'fatal', base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: true }));
  return pino({
    ...options,
    transport: { target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } },
  });
}
