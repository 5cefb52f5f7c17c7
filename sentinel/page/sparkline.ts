import { html, Html } from '../html.ts';
import { size } from '../words.ts';

/** Of the line, in the pixels that the style gives it. */
const width = 72;
const height = 20;
const mostPoints = 11;

/** What a size is now, and how it went there. */
export function sizeTrend(sizes: number[]): Html {
  return html`${sizeLine(sizes)} <small>${trendWords(sizes)}</small>`;
}

/** The newest size and a line of all of them, oldest first; fewer than two are no line. */
export function sizeLine(sizes: number[]): Html {
  const last = sizes.at(-1);
  if (last === undefined) return html`–`;
  if (sizes.length < 2) return html`${size(last)}`;
  const line = `<svg class="spark" aria-hidden="true"><path d="${pathOf(thinned(sizes))}"/></svg>`;
  return html`${size(last)} ${new Html(line)}`;
}

/** "up 4 %" from the oldest to the newest; nothing while there is nothing to compare. */
export function trendWords(sizes: number[]): string {
  const [first, last] = [sizes[0], sizes.at(-1)];
  if (sizes.length < 2 || first === undefined || last === undefined) return '';
  if (first === last) return 'steady';
  if (first === 0) return 'up from nothing';
  const percent = Math.round((last / first - 1) * 100);
  if (percent === 0) return 'steady';
  return percent > 0 ? `up ${percent} %` : `down ${-percent} %`;
}

/** Evenly spread, the newest always among them. */
function thinned(sizes: number[]): number[] {
  const count = Math.min(sizes.length, mostPoints);
  return Array.from(
    { length: count },
    (_, i) => sizes[sizes.length - 1 - Math.floor(((count - 1 - i) * (sizes.length - 1)) / (count - 1))] ?? 0,
  );
}

// A change of a few per cent is not to look like a mountain: the scale spans at least a fifth of the largest.
function pathOf(sizes: number[]): string {
  const top = Math.max(...sizes);
  const bottom = Math.min(...sizes);
  const span = Math.max(top - bottom, top / 5, 1);
  const lowest = (top + bottom - span) / 2;
  const points = sizes.map((value, i) => ({
    x: Math.round((i * (width - 2)) / (sizes.length - 1)) + 1,
    y: Math.round((1 - (value - lowest) / span) * (height - 4)) + 2,
  }));
  const steps = points.slice(1).map(({ x, y }, i) => `${x - (points[i]?.x ?? 0)} ${y - (points[i]?.y ?? 0)}`);
  return `M${points[0]?.x} ${points[0]?.y}l${steps.join(' ')}`;
}
