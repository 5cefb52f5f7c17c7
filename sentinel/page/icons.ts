import { html, Html } from '../html.ts';

/** Shapes that differ without any colour, drawn once and used by name. */
const shapes = {
  good: '<circle cx="8" cy="8" r="7"/><path d="M4.8 8.3l2.2 2.2 4.2-4.6"/>',
  warned: '<path d="M8 1.6l6.7 12.2H1.3z"/><path d="M8 6v4M8 11.8v.2"/>',
  failed: '<circle cx="8" cy="8" r="7"/><path d="M5.5 5.5l5 5m0-5l-5 5"/>',
  late: '<circle cx="8" cy="8" r="7"/><path d="M8 4v4.4l2.6 1.8"/>',
  waiting: '<circle cx="8" cy="8" r="7" stroke-dasharray="2.6 1.8"/><path d="M5 8v.1M8 8v.1M11 8v.1"/>',
  closed: '<path d="M3 7.2h10v7H3zM5 7V5a3 3 0 0 1 6 0v2"/>',
};

export type Icon = keyof typeof shapes;

/** To stand once at the beginning of the body. */
export const iconShapes: Html = new Html(
  `<svg class="hide" aria-hidden="true">${Object.entries(shapes)
    .map(([name, shape]) => `<symbol id="${name}" viewBox="0 0 16 16">${shape}</symbol>`)
    .join('')}</svg>`,
);

/** Decoration: the words beside it say the same. */
export function icon(name: Icon): Html {
  return html`<svg class="icon" aria-hidden="true"><use href="#${name}" /></svg>`;
}
