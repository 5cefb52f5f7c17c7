import { html, Html } from '../html.ts';
import type { Standing } from '../standing.ts';
import { duration } from '../words.ts';

/** The age against its limit: a bar that is full when the limit is reached, a mark where it counts as overdue, and both in words. */
export function ageBar({ ageSeconds, overdueAfterSeconds, closesAfterSeconds }: Standing): Html {
  const limit = closesAfterSeconds ?? overdueAfterSeconds;
  if (limit === null) return html``;

  const share = (seconds: number) => Math.round(Math.min(Math.max(seconds / limit, 0), 1) * 100);
  const mark =
    overdueAfterSeconds !== null && overdueAfterSeconds < limit
      ? `<rect x="${share(overdueAfterSeconds)}%"/>`
      : '';
  const words = [
    overdueAfterSeconds === null ? '' : `overdue after ${duration(overdueAfterSeconds)}`,
    closesAfterSeconds === null ? 'does not gate' : `gate closes after ${duration(closesAfterSeconds)}`,
  ].filter(Boolean);
  // Width and place of a rectangle are attributes: a style attribute would need a hole in the policy.
  const bar = `<svg class="bar" aria-hidden="true"><rect width="${share(ageSeconds ?? 0)}%"/>${mark}</svg>`;
  return html`${ageSeconds === null ? '' : new Html(bar)}
    <p class="cap">${words.join(' · ')}</p>`;
}
