import type { DayState } from '../heartbeat.ts';
import { html, Html } from '../html.ts';

const most = 30;

/**
 * The last days, oldest first, as a strip of bars and a sentence that says the same. States differ in shape: a whole bar is good, a
 * broken one had problems, a taller one with a cut near its foot failed, an outline was missed, a dot on the ground was idle.
 */
export function dayStrip(days: DayState[]): Html {
  const shown = days.slice(-most);
  if (shown.length === 0) return html``;
  const paths = (Object.keys(lines) as DayState[]).flatMap((state) =>
    lines[state].flatMap(([style, y]) => {
      const path = pathOf(shown, state, y);
      return path === '' ? [] : `<path class="${style}" d="${path}"/>`;
    }),
  );
  const box = `0 0 ${shown.length * 4 - 1} 16`;
  const strip = `<svg class="strip" viewBox="${box}" preserveAspectRatio="none" aria-hidden="true">${paths.join('')}</svg>`;
  return html`${new Html(strip)}
    <p class="cap">${daysSentence(shown)}</p>`;
}

/** "Last 30 days: 28 good, 1 failed." */
export function daysSentence(days: DayState[]): string {
  const count = (state: DayState) => days.filter((day) => day === state).length;
  const told = (
    [
      ['good', 'good'],
      ['problems', 'with problems'],
      ['failed', 'failed'],
      ['missed', 'missed'],
    ] as const
  ).flatMap(([state, words]) => (count(state) === 0 ? [] : [`${count(state)} ${words}`]));
  if (told.length === 0) return `Last ${days.length} days: no backup yet.`;
  return `Last ${days.length} days: ${told.join(', ')}.`;
}

/** The style of each stroke of a state, and the height at which it is drawn. Later ones lie above. */
const lines: Record<DayState, [style: string, y: number][]> = {
  idle: [['i', 14]],
  good: [['g', 9]],
  problems: [
    ['p', 9],
    ['c', 9],
  ],
  failed: [
    ['f', 8],
    ['c', 11],
  ],
  missed: [
    ['m', 9],
    ['n', 9],
  ],
};

/** One dash for each day, one stretch for days in a row: the dashes are the style's. */
function pathOf(days: DayState[], state: DayState, y: number): string {
  let path = '';
  for (let first = 0; first < days.length; first += 1) {
    if (days[first] !== state) continue;
    let after = first + 1;
    while (days[after] === state) after += 1;
    path += `M${first * 4} ${y}h${(after - first) * 4 - 1}`;
    first = after;
  }
  return path;
}
