#!/usr/bin/env node
import type { App } from './app.ts';
import type { Context } from './cli/context.ts';
import { createPrint } from './cli/print.ts';
import { runCommandLine } from './cli/program.ts';
import { baseEnvironment, processEnvironment } from './config/environment.ts';
import { secretsOf } from './config/describe.ts';
import { loadConfig } from './config/load.ts';
import { actingAs } from './config/role.ts';
import { HoldfastError } from './core/errors.ts';
import { createProcesses } from './process/run.ts';

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
process.stderr.on('error', () => undefined);

const context: Context = {
  print,
  signal: stop.signal,
  exitCode: 0,
  config: () => loadConfig(environment),
  resticVersion,
  app: async ({ daemon = false, withoutSources = false, withoutRepository = false, as } = {}) => {
    const config = actingAs(loadConfig(environment, { withoutSources, withoutRepository }), as);
    const secrets = secretsOf(config);
    const [{ createApp }, { createLog }] = await Promise.all([import('./app.ts'), import('./log.ts')]);
    const log = createLog({ level: config.log.level, secrets, daemon });
    const tell = (finding: string) => (daemon ? log.warn(finding) : print.note(`warning: ${finding}`));
    if (daemon) config.warnings.forEach(tell);
    const hide = (secret: string) => void secrets.push(secret);
    app = await createApp(config, { environment: baseEnvironment(environment), hide, log, tell });
    return app;
  },
  access: async () => {
    const { createAccess } = await import('./repository-access.ts');
    const config = actingAs(loadConfig(environment, { withoutSources: true }), undefined);
    return createAccess(config, { environment: baseEnvironment(environment), hide: () => undefined });
  },
};
const exitCode = await runCommandLine(process.argv, context);
await (app as App | null)?.close();
// What a slow reader has not taken yet would be cut off, with an exit code that says all is well.
await Promise.all([taken(process.stdout), taken(process.stderr)]);
process.exit(exitCode);

/** Also where the configuration is not whole: what is installed is asked for most when nothing works. */
async function resticVersion(): Promise<string | null> {
  try {
    const file = await Promise.resolve()
      .then(() => loadConfig(environment, { withoutSources: true }).repository.restic)
      .catch(() => 'restic');
    const limits = { timeoutMs: 5000, signal: stop.signal };
    const { stdout } = await createProcesses(baseEnvironment(environment)).run(
      { file, args: ['version'] },
      limits,
    );
    return /^restic \S+/.exec(stdout)?.[0] ?? null;
  } catch {
    return null;
  }
}

/** Settles when the reader has everything, is gone, or we are told to stop. */
function taken(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stop.signal.aborted) return resolve();
    stop.signal.addEventListener('abort', () => resolve(), { once: true });
    stream.write('', () => resolve());
  });
}
