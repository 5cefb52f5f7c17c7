import type { RunStatus } from '../heartbeat.ts';
import { html, type Html } from '../html.ts';
import { duration, size } from '../words.ts';
import { clip } from './clip.ts';
import { type Icon, icon } from './icons.ts';
import type { Tone } from './summary.ts';
import type { Times } from './times.ts';
import { why } from './why.ts';

const most = 20;

/** The newest runs, with the reason and what to do for those that did not simply succeed. */
export function runList(runs: RunStatus[], times: Times): Html {
  if (runs.length === 0) return html`<p class="quiet">None yet.</p>`;
  return html`<ol class="runs card">
    ${runs.slice(0, most).map((run) => runLine(run, times))}
  </ol>`;
}

function runLine(run: RunStatus, times: Times): Html {
  const what =
    run.source === null ? jobWord(run.job) : html`${jobWord(run.job)} of <bdi>${clip(run.source, 80)}</bdi>`;
  const bytes = run.bytes === null ? '' : `, ${size(run.bytes)}`;
  return html`<li>
    <small>${times.at(run.startedAt)}</small> <b>${what}</b> ${endOf(run)}
    <small>${tookOf(run)}${bytes}</small>
    ${why(run)}
  </li>`;
}

/** What went well is said quietly. */
function endOf(run: RunStatus): Html {
  if (run.result === 'succeeded' && !run.warnings) return html`<small>done</small>`;
  const { tone, icon: shape, words } = run.result === 'succeeded' ? withWarnings : looks[run.result];
  return html`<strong class="${tone}">${icon(shape)} ${words}</strong>`;
}

function jobWord(job: string): string {
  return job.charAt(0).toUpperCase() + clip(job.slice(1), 40);
}

function tookOf({ startedAt, finishedAt }: RunStatus): string {
  if (finishedAt === null) return '';
  return duration(Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
}

interface Look {
  tone: Tone;
  icon: Icon;
  words: string;
}

const withWarnings: Look = { tone: 'warn', icon: 'warned', words: 'with warnings' };

const looks: Record<Exclude<RunStatus['result'], 'succeeded'>, Look> = {
  running: { tone: 'wait', icon: 'waiting', words: 'running' },
  failed: { tone: 'bad', icon: 'failed', words: 'failed' },
  interrupted: { tone: 'bad', icon: 'failed', words: 'interrupted' },
  skipped: { tone: 'warn', icon: 'warned', words: 'skipped' },
};
