import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { compareDatabases } from './compare.ts';
import type { Screen, Step } from './screen.ts';
import type { Answer, Stage } from './stage.ts';
import { textOf, visit, type Visit } from './visit.ts';

const AGENT = ['daemon', 'db_backup'];
const GATE = ['sentinel', 'nginx'];
const LEAST_THRESHOLD_SECONDS = 20;
const TURNS_WITHIN_MS = 15_000;
const POLL_MS = 250;
const PAGE_LINES = 2;

interface Act {
  title: string;
  logs: string[];
  run: (scene: Scene, step: Step) => Promise<string>;
}

/** What the acts share. */
interface Scene {
  stage: Stage;
  screen: Screen;
  /** How old the last good backup may be here. A real site's limit is a day or more. */
  thresholdSeconds: number;
}

/** What is shown once the daemon runs. */
export const ACTS: readonly Act[] = [
  { title: 'Back up', logs: AGENT, run: firstBackUp },
  { title: 'Look into the repository', logs: AGENT, run: showSnapshots },
  { title: 'Start the sentinel, and nginx before the shop', logs: GATE, run: startGate },
  { title: 'Visit the shop', logs: GATE, run: visitOpen },
  { title: 'Restore into a second database', logs: AGENT, run: restore },
  { title: 'Compare the two databases', logs: [], run: compare },
  { title: 'Let the backup grow stale', logs: GATE, run: goStale },
  { title: 'Visit the shop', logs: GATE, run: visitClosed },
  { title: 'Back up again', logs: AGENT, run: backUp },
  { title: 'Visit the shop', logs: GATE, run: visitOpen },
];

/** Brings up the stage and plays all acts on it; throws StepFailed. */
export async function play(stage: Stage, screen: Screen, signal: AbortSignal): Promise<void> {
  for (const { title, logs, run } of stage.setUp) {
    signal.throwIfAborted();
    await screen.step(title, logs, run);
  }
  const scene = { stage, screen, thresholdSeconds: LEAST_THRESHOLD_SECONDS };
  for (const { title, logs, run } of ACTS) {
    signal.throwIfAborted();
    await screen.step(title, logs, (step) => run(scene, step));
  }
}

async function firstBackUp(scene: Scene, step: Step): Promise<string> {
  const startedAt = performance.now();
  const said = await backUp(scene, step);
  // On a machine so slow that a backup takes long, the gate must not close before anybody has looked.
  const took = (performance.now() - startedAt) / 1000;
  scene.thresholdSeconds = Math.max(LEAST_THRESHOLD_SECONDS, Math.ceil(took * 3));
  return said;
}

async function backUp({ stage, screen }: Scene, step: Step): Promise<string> {
  const { stderr } = await ask(stage, screen, step, ['backup']);
  const end = stderr.split('\n').find((line) => line.startsWith('backup of '));
  if (end !== undefined) step.line(end);
  return `heartbeat ${heartbeatOf(stage).toISOString().slice(11, 19)} UTC`;
}

async function showSnapshots({ stage, screen }: Scene, step: Step): Promise<string> {
  const { stdout } = await ask(stage, screen, step, ['snapshots']);
  const lines = stdout.split('\n');
  for (const line of lines) step.line(line);
  if (!lines.some((line) => line.includes(stage.database))) throw new Error('the backup left no snapshot');
  return 'a snapshot, encrypted';
}

async function startGate({ stage, thresholdSeconds }: Scene, step: Step): Promise<string> {
  await stage.startGate(thresholdSeconds, step);
  step.line(
    `the gate closes when the last good backup is ${thresholdSeconds} s old; a real one, after 26 hours`,
  );
  return stage.siteUrl;
}

async function restore({ stage, screen }: Scene, step: Step): Promise<string> {
  const copy = copyOf(stage);
  const { stderr } = await ask(stage, screen, step, ['restore', stage.database, '--to', copy]);
  const end = stderr.split('\n').find((line) => line.startsWith('restore of '));
  if (end !== undefined) step.line(end);
  return copy;
}

async function compare({ stage, screen }: Scene, step: Step): Promise<string> {
  const { head, rows, others, count } = await compareDatabases(stage, copyOf(stage));
  step.line(head);
  for (const row of rows) step.line(`${row} ${screen.style('green', 'equal')}`);
  return `${count} rows in ${rows.length} tables are equal, and there are ${others}`;
}

async function goStale({ stage, thresholdSeconds }: Scene, step: Step): Promise<string> {
  const closesAt = heartbeatOf(stage).getTime() + thresholdSeconds * 1000;
  for (;;) {
    const seen = await visit(stage.siteUrl);
    if (seen.status === 503) break;
    if (seen.status !== 200) throw new Error(`a visitor got ${seen.statusLine}`);
    if (Date.now() > closesAt + TURNS_WITHIN_MS) throw new Error('the gate is still open');
    const left = Math.ceil((closesAt - Date.now()) / 1000);
    step.note(left > 0 ? `open, closes in ${left} s` : 'open, closes now');
    await pause(POLL_MS);
  }
  const age = Math.round((Date.now() - heartbeatOf(stage).getTime()) / 1000);
  return `it is ${age} s old, and the gate has closed`;
}

async function visitClosed({ stage, screen }: Scene, step: Step): Promise<string> {
  const seen = await visit(stage.siteUrl);
  if (seen.status !== 503) throw new Error(`a visitor got ${seen.statusLine}`);
  step.line(screen.style('yellow', seen.statusLine));
  for (const name of ['Retry-After', 'X-Gate-Reason']) {
    const value = seen.headers[name.toLowerCase()];
    if (value === undefined) throw new Error(`the answer has no ${name}`);
    step.line(`${name}: ${String(value)}`);
  }
  for (const line of textOf(seen.body)) step.quote(line);
  return 'closed';
}

async function visitOpen({ stage, screen }: Scene, step: Step): Promise<string> {
  const seen = await untilOpen(stage, step);
  step.line(screen.style('green', seen.statusLine));
  for (const line of textOf(seen.body).slice(0, PAGE_LINES)) step.quote(line);
  return 'open';
}

async function untilOpen(stage: Stage, step: Step): Promise<Visit> {
  const deadline = Date.now() + TURNS_WITHIN_MS;
  for (;;) {
    const seen = await visit(stage.siteUrl);
    if (seen.status === 200) return seen;
    if (Date.now() > deadline) throw new Error(`a visitor got ${seen.statusLine}`);
    step.note(`still ${seen.status}`);
    await pause(POLL_MS);
  }
}

/** Runs a command as a person would, shows it, and fails with what it said when it fails. */
async function ask(stage: Stage, screen: Screen, step: Step, args: string[]): Promise<Answer> {
  const typed = stage.typed(args);
  step.note(typed);
  step.line(screen.style('dim', `$ ${typed}`));
  const answer = await stage.holdfast(args);
  // 3 is "done with warnings".
  if (answer.code === 0 || answer.code === 3) return answer;
  throw new Error(`${typed} ended with ${answer.code}\n${answer.stderr.trim()}`);
}

function heartbeatOf(stage: Stage): Date {
  return new Date(readFileSync(join(stage.statusFolder, 'last_ok'), 'utf8').trim());
}

const copyOf = (stage: Stage) => `${stage.database}_copy`;
