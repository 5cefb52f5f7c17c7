import { createHash } from 'node:crypto';
import type { Limits, Verdict } from './freshness.ts';
import type { MaintenanceStatus, RunStatus, SourceStatus, Status } from './heartbeat.ts';
import { html, Html } from './html.ts';
import type { Mode } from './settings.ts';
import type { AgentStatus } from './status.ts';
import { duration, explain, size } from './words.ts';

export interface PageFacts {
  verdict: Verdict;
  mode: Mode;
  limits: Limits;
  agent: AgentStatus;
  version: string;
}

/** The page for the operator: what holds now and why, and what the agent last told. No JavaScript. */
export function renderPage({ verdict, mode, limits, agent, version }: PageFacts): string {
  const headline = headlineOf(verdict.open, mode);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta http-equiv="refresh" content="60" />
        <link rel="icon" href="data:," />
        <title>${headline}</title>
        ${new Html(`<style>${style}</style>`)}
      </head>
      <body>
        <main>
          <header class="${verdict.open ? 'open' : 'closed'}">
            <h1>${headline}</h1>
            <p>${explain(verdict, limits)}</p>
          </header>
          ${gateFacts(verdict, mode, limits)}
          ${agent.known ? agentFacts(agent.status, verdict.judgedAt) : agentSilent(agent.problem)}
          <footer>Holdfast sentinel ${version}, ${moment(verdict.judgedAt.toISOString())}</footer>
        </main>
      </body>
    </html>`.text;
}

function headlineOf(open: boolean, mode: Mode): string {
  if (open) return 'The gate is open';
  return mode === 'observe' ? 'The gate would be closed' : 'The gate is closed';
}

function gateFacts(verdict: Verdict, mode: Mode, limits: Limits): Html {
  const heartbeat = verdict.heartbeat?.toISOString() ?? null;
  const observing = html`<dt>Mode</dt>
    <dd>observe: visitors are let in whatever the verdict</dd>`;
  return html`<dl>
    <dt>Verdict</dt>
    <dd><code>${verdict.reason}</code></dd>
    <dt>Oldest last good backup</dt>
    <dd>${when(heartbeat, verdict.judgedAt)}</dd>
    <dt>Limit</dt>
    <dd>${duration(limits.thresholdSeconds)}</dd>
    ${mode === 'observe' ? observing : ''}
  </dl>`;
}

function agentFacts(status: Status, now: Date): Html {
  return html`
    <h2>Sources</h2>
    ${sourceTable(status.sources, now)}
    <h2>Maintenance</h2>
    ${maintenanceTable(status.maintenance, now)}
    <h2>Repository</h2>
    <p>${status.repository ? html`<code>${status.repository.location}</code>` : 'not reached yet'}</p>
    <p class="quiet">
      As told by the agent ${status.agentVersion} on ${status.host} ${ago(status.writtenAt, now)}.
    </p>
  `;
}

function agentSilent(problem: string): Html {
  return html`<p class="quiet">There is nothing to show about single sources: status.json, ${problem}.</p>`;
}

function sourceTable(sources: SourceStatus[], now: Date): Html {
  if (sources.length === 0) return html`<p>None.</p>`;
  const rows = sources.map(
    (source) => html`
      <tr>
        <th scope="row">${source.name} <span class="quiet">${source.engine}</span></th>
        <td>
          ${when(source.lastSuccess, now)}${source.gates ? '' : html` <span class="quiet">does not gate</span>`}
        </td>
        <td>${lastRun(source.lastRun, now)}</td>
        <td>${source.nextRun ? moment(source.nextRun) : 'not scheduled'}</td>
      </tr>
    `,
  );
  return table(['Source', 'Last good backup', 'Last run', 'Next run'], rows);
}

function maintenanceTable(maintenance: MaintenanceStatus[], now: Date): Html {
  if (maintenance.length === 0) return html`<p>None.</p>`;
  const rows = maintenance.map(
    (job) => html`
      <tr>
        <th scope="row">${job.job}</th>
        <td>${when(job.lastSuccess, now)}</td>
        <td>${lastRun(job.lastRun, now)}</td>
      </tr>
    `,
  );
  return table(['Job', 'Last success', 'Last run'], rows);
}

function table(heads: string[], rows: Html[]): Html {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function lastRun(run: RunStatus | null, now: Date): Html {
  if (run === null) return html`never`;
  const result = run.warnings ? `${run.result} with warnings` : run.result;
  const bytes = run.bytes === null ? '' : `, ${size(run.bytes)}`;
  const reason = run.reason === '' ? '' : html`<br />${run.reason}`;
  const hint = run.hint === null ? '' : html`<br /><span class="quiet">${run.hint}</span>`;
  return html`<strong>${result}</strong>
    ${ago(run.finishedAt ?? run.startedAt, now)}${bytes}${reason}${hint}`;
}

function when(iso: string | null, now: Date): Html {
  return iso === null ? html`never` : html`${moment(iso)} (${ago(iso, now)})`;
}

function moment(iso: string): Html {
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

function ago(iso: string, now: Date): string {
  const seconds = (now.getTime() - new Date(iso).getTime()) / 1000;
  return seconds < 0 ? `${duration(seconds)} ahead` : `${duration(seconds)} ago`;
}

const style = `
:root { color-scheme: light dark; --paper: #f6f5f1; --card: #ffffff; --ink: #23262b; --quiet: #5d636e; --line: #dcdad3;
  --open: #1d6b45; --closed: #a12d2d; }
@media (prefers-color-scheme: dark) { :root { --paper: #16191d; --card: #1e2227; --ink: #e7e8ea; --quiet: #a2a8b3;
  --line: #353b43; --open: #69c495; --closed: #f08d84; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; }
header { border-left: 6px solid; padding-left: 1rem; }
header.open { border-color: var(--open); }
header.closed { border-color: var(--closed); }
.open h1 { color: var(--open); }
.closed h1 { color: var(--closed); }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.3; }
h2 { margin: 2rem 0 .5rem; font-size: 1.125rem; }
p { margin: .5rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; margin: 1.5rem 0; }
dt, .quiet, footer { color: var(--quiet); }
dd { margin: 0; }
.quiet { font-weight: normal; font-size: .9em; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; background: var(--card); }
th, td { padding: .5rem .75rem; border: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--quiet); font-weight: 600; }
time { white-space: nowrap; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
footer { margin-top: 2rem; font-size: .9em; }
`;

/** What the page may do: show itself. The style is allowed by its hash, so nothing injected gets one. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
