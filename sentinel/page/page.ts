import { gateOf } from '../gate.ts';
import { html, Html } from '../html.ts';
import { byUrgency, standingsOf } from '../standing.ts';
import { duration } from '../words.ts';
import { sourceCard } from './card.ts';
import { clip } from './clip.ts';
import type { PageFacts } from './facts.ts';
import { type Icon, icon, iconShapes } from './icons.ts';
import { noticesOf } from './notices.ts';
import { repositoryList } from './repositories.ts';
import { runList } from './runs.ts';
import { style } from './style.ts';
import { summaryOf, type Summary, type Tone } from './summary.ts';
import { type Times, timesIn } from './times.ts';

/** More sources than that are counted and not shown; those that need somebody come first. */
const mostCards = 60;

/** The page for the operator: the verdict first, then every source, the last runs, the repository. No JavaScript. */
export function renderPage(facts: PageFacts): string {
  const { verdict, agent } = facts;
  const summary = summaryOf(facts);
  const times = timesIn(agent.known ? agent.status.timeZone : 'UTC', verdict.judgedAt);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="${favicons[summary.tone]}" />
        <title>${summary.headline}</title>
        ${new Html(`<style>${style}</style>`)}
      </head>
      <body>
        ${iconShapes}
        <header>Holdfast${agent.known ? html` <span>${clip(agent.status.host, 80)}</span>` : ''}</header>
        <main>
          ${hero(summary, facts, times)}
          ${noticesOf(facts).map((notice) => html`<p class="notice warn">${icon('warned')} <span>${notice}</span></p>`)}
          ${agent.known ? rooms(facts, agent.status, times) : ''}
        </main>
        <footer>${footer(facts, times)}</footer>
      </body>
    </html>`.text;
}

function hero(summary: Summary, { verdict, limits, override, mode }: PageFacts, times: Times): Html {
  const shape = gateOf(verdict, mode, override).open ? shapes[summary.tone] : 'closed';
  const until =
    override === null
      ? ''
      : html` until ${times.element(override.until.toISOString(), times.at(override.until.toISOString()))}`;
  return html`<section class="hero ${summary.tone}">
    ${icon(shape)}
    <div>
      <h1>${summary.headline}</h1>
      <p>${summary.detail}</p>
      <p class="quiet">
        ${summary.gate}${until} · <code>${verdict.reason}</code> · limit ${duration(limits.thresholdSeconds)}
      </p>
    </div>
  </section>`;
}

const shapes: Record<Tone, Icon> = { good: 'good', wait: 'waiting', warn: 'warned', bad: 'failed' };

function rooms(
  { verdict, limits }: PageFacts,
  status: Parameters<typeof repositoryList>[0],
  times: Times,
): Html {
  const stood = standingsOf(status.sources, limits.thresholdSeconds, verdict.judgedAt).sort((one, other) =>
    byUrgency(one.standing, other.standing),
  );
  const more = stood.length - mostCards;
  return html`<h2>Sources</h2>
    <ul class="cards">
      ${stood.slice(0, mostCards).map((one) => sourceCard(one, times))}
    </ul>
    ${more > 0 ? html`<p class="quiet">And ${more} more that need nobody sooner than these: <code>holdfast status</code>.</p>` : ''}
    <h2>Last runs</h2>
    ${runList(status.runs, times)}
    <h2>Repository</h2>
    ${repositoryList(status, times)}`;
}

function footer({ agent, verdict, version }: PageFacts, times: Times): Html {
  const told = agent.known
    ? html`As told by the agent ${clip(agent.status.agentVersion, 40)} ${times.ago(agent.status.writtenAt)}. `
    : '';
  const now = verdict.judgedAt.toISOString();
  return html`${told}Sentinel ${version}, ${times.element(now, times.at(now))}, ${times.zone}. Refreshes every
    minute. The same for programs: <a href="status.json">status.json</a>.`;
}

/** A sign for the tab: a tick, dots, or a cross, each on its own shape. */
const favicons: Record<Tone, string> = {
  good: sign('1c6b47', '<circle cx="8" cy="8" r="8"/>', 'M4.5 8.3l2.4 2.4 4.6-5'),
  wait: sign('4a5560', '<circle cx="8" cy="8" r="8"/>', 'M4 8h1M7.5 8h1M11 8h1'),
  warn: sign('8a5a00', '<path d="M8 0l8 15H0z"/>', 'M8 5.5v4.5M8 12v1'),
  bad: sign('b02a2a', '<path d="M0 0h16v16H0z"/>', 'M4.5 4.5l7 7m0-7l-7 7'),
};

function sign(colour: string, ground: string, mark: string): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="#${colour}">${ground}<path d="${mark}" fill="none" stroke="#fff" stroke-width="2"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
