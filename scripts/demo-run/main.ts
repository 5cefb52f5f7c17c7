/** The demo itself; scripts/demo prepares the machine and starts it. */
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ComposeStage } from './compose-stage.ts';
import { LoopbackStage } from './loopback-stage.ts';
import { ACTS, play } from './play.ts';
import { composeProjectOf, DemoRecord, root } from './record.ts';
import { Screen, StepFailed } from './screen.ts';
import type { Stage } from './stage.ts';

const LOG_LINES = 12;
const SETTLE_MS = 10_000;
const [mode = '', ...flags] = process.argv.slice(2);
const keep = flags.includes('--keep');

process.exitCode = mode === 'stop' ? await stop() : await show(mode === 'compose');
// What was kept is still a child of ours, and would keep us here.
process.exit();

async function stop(): Promise<number> {
  const record = DemoRecord.find();
  if (record === null) {
    console.log('no demo of this clone is running');
    return 0;
  }
  if (record.state === 'running') {
    console.error('error: the demo is at work\nhint: press Ctrl-C where it runs');
    return 1;
  }
  await record.endProcesses((what) => console.log(`ending ${what}`));
  await record.removeTraces();
  console.log('the demo is gone');
  return 0;
}

async function show(withDocker: boolean): Promise<number> {
  const earlier = DemoRecord.find();
  if (earlier?.state === 'running') {
    console.error(
      'error: a demo of this clone is at work already\nhint: wait for it, or press Ctrl-C where it runs',
    );
    return 1;
  }
  if (earlier !== null) {
    console.error(
      earlier.state === 'kept' ? 'ending the demo that was kept' : 'clearing up after a demo that was killed',
    );
    await earlier.endProcesses(() => undefined);
    await earlier.removeTraces();
  }

  const stopping = new AbortController();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-demo-'));
  // The database runs as another user, who must get through to its own folder.
  chmodSync(folder, 0o711);
  const project = composeProjectOf(root);
  const record = DemoRecord.create(folder, withDocker ? project : null);
  const stage: Stage = withDocker
    ? new ComposeStage(folder, project, stopping.signal)
    : new LoopbackStage(folder, record, stopping.signal);
  const screen = new Screen(process.stdout, stage.setUp.length + ACTS.length);

  const interrupted = new Promise<never>((_, reject) => {
    const interrupt = (why: string) => {
      stopping.abort();
      screen.interrupt();
      reject(new Error(why));
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupt(name));
    // Nobody reads on (`| head`), or the terminal is gone.
    process.stdout.on('error', () => interrupt('its output was closed'));
    process.stderr.on('error', () => undefined);
  });
  const why = flags.includes('--no-engine') ? ', for no Docker engine answers' : '';
  screen.print(
    `${screen.style('bold', 'Holdfast')}, shown with ${stage.description}${why}; takes about a minute\n`,
  );
  const playing = play(stage, screen, stopping.signal);
  let failure: unknown = null;
  try {
    await Promise.race([playing, interrupted]);
  } catch (error) {
    failure = error;
    if (!stopping.signal.aborted) await explain(error, stage);
  }
  if (failure === null) farewell(stage, screen);
  if (failure === null && keep) {
    record.keep();
    return 0;
  }
  await record.endProcesses((what) => screen.passing(`ending ${what}`));
  // What was at work when somebody interrupted finds that out now; it must not write into the folder that goes.
  await Promise.race([playing.catch(() => undefined), pause(SETTLE_MS)]);
  await record.removeTraces();
  screen.print(`Everything that ran is stopped and removed (${screen.elapsed()} in all).`);
  return failure === null ? 0 : stopping.signal.aborted ? 130 : 1;
}

async function explain(failure: unknown, stage: Stage): Promise<void> {
  console.error(`\nerror: ${failure instanceof Error ? failure.message : String(failure)}`);
  if (!(failure instanceof StepFailed)) return;
  for (const name of failure.logs) {
    const log = await stage.log(name).catch(() => '');
    const lines = log.trimEnd().split('\n').slice(-LOG_LINES).map(readable);
    if (lines.join('') === '') continue;
    console.error(
      `the end of ${name}'s log:\n${lines.map((line) => `    ${line.slice(0, 300)}`).join('\n')}`,
    );
  }
}

/** A line of a JSON log as a person reads it. */
function readable(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const { time, msg, hint } = JSON.parse(line) as { time?: string; msg?: string; hint?: string };
    return [time?.slice(11, 19), msg, hint].filter(Boolean).join('  ');
  } catch {
    return line;
  }
}

function farewell(stage: Stage, screen: Screen): void {
  const { first, commands } = stage.toTry;
  screen.print();
  screen.print(`${screen.style('bold', 'The shop')}      ${stage.siteUrl}`);
  if (stage.sentinelUrl !== null)
    screen.print(`${screen.style('bold', 'The sentinel')}  ${stage.sentinelUrl}`);
  screen.print();
  if (keep) {
    screen.print(screen.style('bold', 'It goes on running. Try next:'));
    for (const line of [...first, ...commands]) screen.print(`  ${line}`);
    screen.print(`\nTo end it:\n  ${join(root, 'scripts/demo')} --stop`);
  } else {
    screen.print(screen.style('bold', 'Try next:'));
    screen.print('  scripts/demo --keep        # the same, and it goes on running for you to play with');
    screen.print('  docker compose up -d       # the whole of it in containers, on http://localhost:8080');
    screen.print('  scripts/holdfast --help    # every command\n');
  }
}
