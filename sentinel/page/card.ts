import type { SourceStatus } from '../heartbeat.ts';
import { html, type Html } from '../html.ts';
import {
  awaitsVerificationSince,
  hasFailed,
  type SourceState,
  type Standing,
  type Stood,
} from '../standing.ts';
import { duration } from '../words.ts';
import { ageBar } from './age-bar.ts';
import { type Icon, icon } from './icons.ts';
import { clip } from './clip.ts';
import { sizeTrend } from './sparkline.ts';
import { dayStrip } from './strip.ts';
import type { Tone } from './summary.ts';
import type { Times } from './times.ts';
import { why } from './why.ts';

/** One source: how it stands, its last backup against its limit, and what went before. */
export function sourceCard({ source, standing }: Stood, times: Times): Html {
  const look = looks[standing.state];
  return html`<li class="card ${look.tone}">
    <h3><bdi>${clip(source.name, 80)}</bdi> <small>${source.engine}</small></h3>
    <p class="state">${icon(look.icon)} ${look.words}</p>
    ${lastBackup(source, times)} ${agedBeyond(source, standing)} ${ageBar(standing)}
    ${trouble(source, standing.state)}
    <dl>
      <dt>Next run</dt>
      <dd>${nextRun(source, times)}</dd>
      <dt>Verified</dt>
      <dd>${verified(source, times)}</dd>
      ${tenantsOf(source, times)}
      <dt>Size</dt>
      <dd>${sizeTrend(source.sizes.slice(-30))}</dd>
    </dl>
    ${dayStrip(source.days)}
  </li>`;
}

const looks: Record<SourceState, { tone: Tone; icon: Icon; words: string }> = {
  stale: { tone: 'bad', icon: 'closed', words: 'Too old' },
  failing: { tone: 'bad', icon: 'failed', words: 'Last run failed' },
  unverified: { tone: 'bad', icon: 'failed', words: 'Verification failed' },
  overdue: { tone: 'warn', icon: 'late', words: 'Overdue' },
  waiting: { tone: 'wait', icon: 'waiting', words: 'No backup yet' },
  warned: { tone: 'warn', icon: 'warned', words: 'Backed up, with warnings' },
  good: { tone: 'good', icon: 'good', words: 'Backed up' },
};

function lastBackup({ lastSuccess }: SourceStatus, times: Times): Html {
  if (lastSuccess === null) return html`<p class="age">not yet</p>`;
  return html`<p class="age">
    ${times.element(lastSuccess, times.ago(lastSuccess))} <small>${times.at(lastSuccess)}</small>
  </p>`;
}

/** A source that stands well, or has not begun, has nothing to explain. */
function trouble({ lastRun, verification, tenants }: SourceStatus, state: SourceState): Html {
  if (state === 'good' || state === 'waiting') return html``;
  if (state === 'unverified') return whyUnverified(verification, tenants);
  return lastRun === null || lastRun.result === 'running' ? html`` : why(lastRun);
}

/** After one that failed, another may be under way, or was not run: that one has nothing to tell. */
function whyUnverified(verification: SourceStatus['verification'], tenants: SourceStatus['tenants']): Html {
  const failed = [verification?.lastRun ?? null, tenants?.lastRun ?? null].find(hasFailed) ?? null;
  const told = verification?.verdict === 'failed' ? verification.why : null;
  if (failed !== null) return why(failed);
  return told === null ? html`` : html`<p class="why">${clip(told, 400)}</p>`;
}

function nextRun({ nextRun: next }: SourceStatus, times: Times): Html {
  if (next === null) return html`not scheduled`;
  const words = times.secondsSince(next) > 60 ? `was due ${times.ago(next)}` : times.until(next);
  return html`${words} <small>${times.at(next)}</small>`;
}

function verified(source: SourceStatus, times: Times): Html {
  const { verification } = source;
  if (verification === null) return html`not known`;
  const { lastSuccess, lastRun, rhythm } = verification;
  const limit = rhythm.overdueAfterSeconds;
  const from = awaitsVerificationSince(verification);
  const late = limit !== null && from !== null && times.secondsSince(from) > limit;
  const warning = late
    ? html` <strong class="warn">${icon('late')} overdue after ${duration(limit)}</strong>`
    : '';
  if (lastRun !== null && hasFailed(lastRun)) {
    return html`<strong class="bad">${icon('failed')} ${lastRun.result}</strong>
      ${times.ago(lastRun.startedAt)}`;
  }
  if (verification.verdict === 'failed') {
    return html`<strong class="bad">${icon('failed')} failed</strong>, nothing shown since;
      ${lastProof(verification, times)}`;
  }
  if (lastRun?.result === 'skipped') {
    return html`<strong class="warn">${icon('warned')} not run</strong> ${times.ago(lastRun.startedAt)};
      ${lastProof(verification, times)}${warning}`;
  }
  if (lastSuccess === null && verification.verdict === null) {
    const next = rhythm.next === null ? html`never` : html`not yet, ${times.until(rhythm.next)}`;
    return html`${next}${warning}`;
  }
  return html`${shown(source, times)}${warning}`;
}

/** How its tenants stand by themselves, where they are verified so. */
function tenantsOf({ tenants }: SourceStatus, times: Times): Html {
  if (tenants === null) return html``;
  const { oldest, failed } = tenants;
  const age =
    oldest === null
      ? html`none known`
      : html`oldest proof <bdi>${clip(oldest.tenant, 60)}</bdi>,
          ${oldest.lastProved === null ? 'never' : times.ago(oldest.lastProved)}`;
  const late = tenants.overdueAt !== null && times.secondsSince(tenants.overdueAt) >= 0;
  const first = failed.tenants[0];
  const wrong =
    first === undefined
      ? ''
      : html` <strong class="bad">${icon('failed')} ${failed.total} failed</strong>:
          <bdi>${clip(first.tenant, 60)}</bdi>: ${clip(first.why, 200)}`;
  return html`<dt>Tenants</dt>
    <dd>${age}${late ? html` <strong class="warn">${icon('late')} overdue</strong>` : ''}${wrong}</dd>`;
}

/** What the newest one showed: it must not look proved where it is not. */
function shown({ verification, objectives }: SourceStatus, times: Times): Html {
  const { verdict, lastSuccess, lastProved, lastRun, restoreSeconds, sampledTables = 0 } = verification ?? {};
  const took = restoredIn(restoreSeconds ?? null, objectives);
  if (verdict === 'proved') {
    const proved = lastProved ?? lastSuccess ?? null;
    return html`proved ${proved === null ? '' : times.ago(proved)}
      <small>${proved === null ? '' : times.at(proved)}</small>${bySamples(sampledTables)}${took}`;
  }
  if (verdict !== 'restored') return html`${typeof lastSuccess === 'string' ? times.ago(lastSuccess) : ''}`;
  // While another one is under way, when that was is not told.
  const ago = lastRun?.result === 'succeeded' ? times.ago(lastRun.startedAt) : '';
  return html`<strong class="warn">${icon('warned')} restored, not proven</strong> ${ago}${took}`;
}

/** Less than every row was compared, and that must be seen. */
function bySamples(tables: number): Html {
  return tables === 0 ? html`` : html`, ${tables} ${tables === 1 ? 'table' : 'tables'} by samples`;
}

function lastProof({ lastProved }: NonNullable<SourceStatus['verification']>, times: Times): Html {
  return lastProved === null ? html`never proved` : html`proved ${times.ago(lastProved)}`;
}

function restoredIn(seconds: number | null, objectives: SourceStatus['objectives']): Html {
  if (seconds === null) return html``;
  const objective = objectives?.rtoSeconds ?? null;
  const took = html`, restored in ${duration(Math.max(1, Math.round(seconds)))}`;
  if (objective === null || seconds <= objective) return took;
  return html`${took} <strong class="warn">${icon('late')} objective ${duration(objective)}</strong>`;
}

/** Older than the operator wants to lose at most. */
function agedBeyond({ objectives }: SourceStatus, { ageSeconds }: Standing): Html {
  const objective = objectives?.rpoSeconds ?? null;
  if (objective === null || ageSeconds === null || ageSeconds <= objective) return html``;
  return html`<p>
    <strong class="warn">${icon('late')} older than the objective of ${duration(objective)}</strong>
  </p>`;
}
