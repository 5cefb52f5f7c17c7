/** The sentinel's process: environment in, listening server out. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Logger, pino } from 'pino';
import { createSentinel } from './app.ts';
import { openGrace } from './grace.ts';
import { readSettings, type Settings } from './settings.ts';
import { watchHeartbeat } from './watch.ts';

const log = await openLog();
const settings = readSettings(process.env);
if (Array.isArray(settings)) {
  for (const problem of settings) log.fatal(`configuration: ${problem}`);
  process.exit(2);
}
serve(settings);

function serve({
  heartbeatPath,
  stateFolder,
  thresholdSeconds,
  verifyThresholdSeconds,
  graceSeconds,
  mode,
  host,
  port,
}: Settings) {
  const limits = { thresholdSeconds, graceSeconds, verifyThresholdSeconds };
  const watch = watchHeartbeat({
    heartbeatPath,
    limits,
    grace: openGrace(stateFolder, log),
    now: () => new Date(),
    log,
  });
  const statusPath = join(dirname(heartbeatPath), 'status.json');
  const server = createSentinel({ watch, limits, mode, statusPath, version: ownVersion(), log });

  // Flips are logged, and a heartbeat is seen and remembered, also while nobody asks.
  const look = () => {
    watch.verdict();
    watch.override();
  };
  const ticking = setInterval(look, 1000);

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info(`${signal}: closing`);
      clearInterval(ticking);
      // A client that sends half a request and waits does not hold the container.
      setTimeout(() => process.exit(0), 500).unref();
      server.close(() => process.exit(0));
    });
  }

  server.once('error', (error) => {
    log.fatal({ err: error }, `cannot listen on ${host}:${port}`);
    process.exit(1);
  });
  server.listen(port, host, () => {
    const address = `http://${host}:${port}`;
    const facts = { address, mode, heartbeatPath, thresholdSeconds, verifyThresholdSeconds, graceSeconds };
    log.info(facts, `listening on ${address}`);
    look();
  });
}

async function openLog(): Promise<Logger> {
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stderr.isTTY) {
    const stderr = pino.destination({ dest: 2, sync: true, maxLength: 1024 * 1024 });
    // A full disk under the log must not close the gate.
    stderr.on('error', () => undefined);
    return pino(options, stderr);
  }

  const { default: pretty } = await import('pino-pretty');
  return pino(options, pretty({ destination: 2, sync: true }));
}

function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
