import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { tableComparison } from './compare.ts';
import type { Screen, Step } from './screen.ts';
import type { Answer, Stage } from './stage.ts';
import { textOf, visit, type Visit } from './visit.ts';

const AGENT_LOGS = ['daemon'];
const GATE_LOGS = ['sentinel', 'nginx'];
const OPEN_WITHIN_MS = 15_000;
const POLL_MS = 250;

interface Act {
  title: string;
  logs: string[];
  run: (stage: Stage, screen: Screen, step: Step) => Promise<string>;
}

/** What is shown once the stage stands. */
export const ACTS: readonly Act[] = [
  { title: 'Back up', logs: AGENT_LOGS, run: backUp },
  { title: 'What is in the repository now', logs: AGENT_LOGS, run: showSnapshots },
  { title: 'Visit the shop through nginx', logs: GATE_LOGS, run: visitOpen },
  { title: 'Restore into a second database', logs: AGENT_LOGS, run: restore },
  { title: 'Compare the two databases', logs: [], run: compare },
  { title: 'No more backups: wait for the heartbeat to go stale', logs: GATE_LOGS, run: goStale },
  { title: 'What a visitor gets now', logs: GATE_LOGS, run: visitClosed },
  { title: 'Back up again', logs: AGENT_LOGS, run: backUp },
  { title: 'And the shop', logs: GATE_LOGS, run: visitOpen },
];

export async function play(stage: Stage, screen: Screen, signal: AbortSignal): Promise<void> {
  for (const { title, logs, run } of stage.setUp) {
    signal.throwIfAborted();
    await screen.step(title, logs, run);
  }
  for (const { title, logs, run } of ACTS) {
    signal.throwIfAborted();
    await screen.step(title, logs, (step) => run(stage, screen, step));
  }
}

async function backUp(stage: Stage, screen: Screen, step: Step): Promise<string> {
  const { stderr } = await ask(stage, screen, step, ['backup']);
  const end = stderr.split('\n').find((line) => line.startsWith('backup of ')) ?? 'done';
  step.line(end);
  return `heartbeat ${heartbeatOf(stage).toISOString().slice(11, 19)} UTC`;
}

async function showSnapshots(stage: Stage, screen: Screen, step: Step): Promise<string> {
  const { stdout } = await ask(stage, screen, step, ['snapshots']);
  const lines = stdout.split('\n');
  for (const line of lines) step.line(line);
  const count = lines.filter((line) => line.includes(stage.database)).length;
  if (count === 0) throw new Error('the backup left no snapshot');
  return `${count} snapshot, encrypted; plain restic reads it too`;
}

async function restore(stage: Stage, screen: Screen, step: Step): Promise<string> {
  const copy = copyOf(stage);
  const { stderr } = await ask(stage, screen, step, ['restore', stage.database, '--to', copy]);
  const end = stderr.split('\n').find((line) => line.startsWith('restore of '));
  if (end !== undefined) step.line(end);
  return copy;
}

async function compare(stage: Stage, _screen: Screen, step: Step): Promise<string> {
  const { lines, tables, rows } = await tableComparison(stage, copyOf(stage));
  for (const line of lines) step.line(line);
  return `${rows} rows in ${tables} tables, all equal`;
}

async function goStale(stage: Stage, _screen: Screen, step: Step): Promise<string> {
  const closesAt = heartbeatOf(stage).getTime() + stage.thresholdSeconds * 1000;
  const deadline = closesAt + OPEN_WITHIN_MS;
  const from = Date.now();
  for (;;) {
    const seen = await visit(stage.siteUrl);
    if (seen.status === 503) break;
    if (seen.status !== 200) throw new Error(`a visitor got ${seen.statusLine}`);
    if (Date.now() > deadline) throw new Error('the gate is still open');
    const left = Math.ceil((closesAt - Date.now()) / 1000);
    step.note(left > 0 ? `open, closes in ${left} s` : 'closes now');
    await pause(POLL_MS);
  }
  const age = Math.round((Date.now() - heartbeatOf(stage).getTime()) / 1000);
  const watched = Math.round((Date.now() - from) / 1000);
  return `open for ${watched} s more, closed with the last good backup ${age} s old`;
}

async function visitClosed(stage: Stage, screen: Screen, step: Step): Promise<string> {
  const seen = await visit(stage.siteUrl);
  if (seen.status !== 503) throw new Error(`a visitor got ${seen.statusLine}`);
  showHead(seen, screen, step, 'yellow');
  for (const name of ['Retry-After', 'X-Gate-Reason']) {
    const value = seen.headers[name.toLowerCase()];
    if (value === undefined) throw new Error(`the answer has no ${name}`);
    step.line(`${name}: ${String(value)}`);
  }
  for (const line of textOf(seen.body)) step.line(`${screen.style('dim', '│')} ${line}`);
  return 'closed';
}

async function visitOpen(stage: Stage, screen: Screen, step: Step): Promise<string> {
  const deadline = Date.now() + OPEN_WITHIN_MS;
  let seen = await visit(stage.siteUrl);
  while (seen.status !== 200) {
    if (Date.now() > deadline) throw new Error(`a visitor got ${seen.statusLine}`);
    step.note(`still ${seen.status}`);
    await pause(POLL_MS);
    seen = await visit(stage.siteUrl);
  }
  showHead(seen, screen, step, 'green');
  for (const line of textOf(seen.body).slice(0, 2)) step.line(`${screen.style('dim', '│')} ${line}`);
  return 'open';
}

function showHead(seen: Visit, screen: Screen, step: Step, style: 'green' | 'yellow'): void {
  step.line(screen.style(style, seen.statusLine));
}

/** Runs a command as a person would, shows it, and fails with what it said when it fails. */
async function ask(stage: Stage, screen: Screen, step: Step, args: string[]): Promise<Answer> {
  const typed = stage.typed(args);
  step.note(typed);
  step.line(screen.style('dim', `$ ${typed}`));
  const answer = await stage.holdfast(args);
  if (answer.code === 0 || answer.code === 3) return answer;
  throw new Error(`${typed} ended with ${answer.code}\n${answer.stderr.trim()}`);
}

function heartbeatOf(stage: Stage): Date {
  return new Date(readFileSync(join(stage.statusFolder, 'last_ok'), 'utf8').trim());
}

const copyOf = (stage: Stage) => `${stage.database}_copy`;
