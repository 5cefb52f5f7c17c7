import type { MaintenanceStatus, RepositoryStatus, Status } from '../heartbeat.ts';
import { html, type Html } from '../html.ts';
import { hasFailed, maintenanceIsLate } from '../standing.ts';
import { duration, size } from '../words.ts';
import { clip } from './clip.ts';
import { icon } from './icons.ts';
import { sizeLine, trendWords } from './sparkline.ts';
import type { Times } from './times.ts';
import { why } from './why.ts';

/** Where the backups lie: how large, how it grows, and when it was last checked and cleared of what is old. */
export function repositoryList({ repository, maintenance }: Status, times: Times): Html {
  if (repository === null) return html`<p class="quiet">Not reached yet.</p>`;
  const last = (job: MaintenanceStatus['job']) => maintenance.find((status) => status.job === job);
  return html`<div class="card repository">
    <h3><code>${clip(repository.location, 200)}</code></h3>
    <dl>
      <dt>Size</dt>
      <dd>${sizeWords(repository, times)}</dd>
      <dt>Growth</dt>
      <dd>${growthWords(repository)}</dd>
      <dt>Free space</dt>
      <dd>${spaceWords(repository)}</dd>
      <dt>Last check</dt>
      <dd>${maintenanceWords(last('check'), times)} ${readWords(repository, times)}</dd>
      <dt>Last retention</dt>
      <dd>${maintenanceWords(last('retention'), times)}</dd>
    </dl>
  </div>`;
}

function sizeWords({ sizes, snapshots }: RepositoryStatus, times: Times): Html {
  const newest = sizes.at(-1);
  if (newest === undefined) return html`<small>measured by the next check</small>`;
  const bytes = sizes.slice(-30).map((measured) => measured.bytes);
  const told = [
    trendWords(bytes),
    snapshots === null ? '' : `${snapshots} snapshot${snapshots === 1 ? '' : 's'}`,
    `measured ${times.ago(newest.at)}`,
  ].filter(Boolean);
  return html`${sizeLine(bytes)} <small>${told.join(', ')}</small>`;
}

function growthWords({ addedBytes }: RepositoryStatus): Html {
  return addedBytes === null
    ? html`<small>not known</small>`
    : html`${size(addedBytes)} <small>added by the backups of the last 30 days</small>`;
}

function spaceWords({ freeBytes, fullInDays }: RepositoryStatus): Html {
  if (freeBytes === null) return html`<small>not known</small>`;
  const days = `${fullInDays} day${fullInDays === 1 ? '' : 's'}`;
  return html`${size(freeBytes)} ${fullInDays === null ? '' : html`<small>full in ${days}</small>`}`;
}

function readWords({ allDataReadAt }: RepositoryStatus, times: Times): Html {
  return allDataReadAt === null
    ? html`<small>data never read in full</small>`
    : html`<small>all data read ${times.element(allDataReadAt, times.ago(allDataReadAt))}</small>`;
}

function maintenanceWords(status: MaintenanceStatus | undefined, times: Times): Html {
  const { lastSuccess = null, lastRun = null, overdueAfterSeconds = null } = status ?? {};
  const isLate = status !== undefined && maintenanceIsLate(status, times.secondsSince);
  const late = isLate
    ? html` <strong class="warn">${icon('late')} overdue after ${duration(overdueAfterSeconds ?? 0)}</strong>`
    : '';
  const success =
    lastSuccess === null
      ? html`<small>never</small>${late}`
      : html`${times.element(lastSuccess, times.ago(lastSuccess))}${late}`;
  if (lastRun?.result === 'succeeded' && lastRun.warnings) {
    return html`${success}
      <strong class="warn">${icon('warned')} with warnings</strong>
      ${why({ ...lastRun, notes: lastRun.notes.slice(0, 1) })}`;
  }
  if (lastRun === null || !hasFailed(lastRun)) return success;
  return html`<strong class="bad">${icon('failed')} ${lastRun.result} ${times.ago(lastRun.startedAt)}</strong>
    <small>last good one: ${success}</small>
    ${why(lastRun)}`;
}
