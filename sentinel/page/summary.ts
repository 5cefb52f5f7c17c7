import type { MaintenanceStatus, Status } from '../heartbeat.ts';
import { hasFailed, maintenanceIsLate, type Stood, standingsOf } from '../standing.ts';
import { duration, explain } from '../words.ts';
import { clip } from './clip.ts';
import type { PageFacts } from './facts.ts';

export interface Summary {
  tone: Tone;
  /** The verdict in one sentence. */
  headline: string;
  /** What is to be known beside it: the oldest backup, and when the gate closes. */
  detail: string;
  /** The gate in one sentence. */
  gate: string;
}

/** How it looks; never told by colour alone. */
export type Tone = 'good' | 'wait' | 'warn' | 'bad';

/** What holds now, in words: the same on the page and in `/status.json`. */
export function summaryOf(facts: PageFacts): Summary {
  const { verdict, override } = facts;
  const own = verdict.open ? openSummary(facts) : closedSummary(facts);
  const summary = { ...own, gate: gateSentence(facts) };
  if (override === null) return summary;

  const left = duration((override.until.getTime() - verdict.judgedAt.getTime()) / 1000);
  const changed = verdict.open !== (override.gate === 'open');
  const stands = verdict.open ? own.headline : own.detail;
  const without = changed ? `Without it, it would be ${verdict.open ? 'open' : 'closed'}. ${stands}` : stands;
  return {
    ...summary,
    tone: changed ? 'warn' : own.tone,
    headline: `The gate is held ${override.gate} by hand for another ${left}.`,
    detail: `Reason: ${fullStop(clip(override.reason, 200))} ${without}`,
  };
}

type Words = Omit<Summary, 'gate'>;

function openSummary(facts: PageFacts): Words {
  const { verdict, limits, agent } = facts;
  if (!agent.known) {
    const waiting = verdict.reason === 'first_boot_grace';
    return {
      tone: waiting ? 'wait' : 'good',
      headline: waiting ? 'Waiting for the first backup.' : 'The gate is open.',
      detail: explain(verdict, limits),
    };
  }
  const stood = standingsOf(agent.status.sources, limits.thresholdSeconds, verdict.judgedAt);
  const headline = openHeadline(stood, agent.status.maintenance, verdict.judgedAt);
  return { ...headline, detail: openDetail(facts, stood, agent.status) };
}

function openHeadline(stood: Stood[], maintenance: MaintenanceStatus[], now: Date): Omit<Words, 'detail'> {
  const secondsSince = (iso: string) => (now.getTime() - Date.parse(iso)) / 1000;
  const named = (...states: string[]) => stood.filter(({ standing }) => states.includes(standing.state));
  if (stood.length === 0) return { tone: 'warn', headline: 'There is no source to back up.' };

  const failing = named('failing');
  if (failing.length > 0) return { tone: 'bad', headline: `The last backup of ${namesOf(failing)} failed.` };
  const unverified = named('unverified');
  if (unverified.length > 0) {
    return { tone: 'bad', headline: `The last verification of ${namesOf(unverified)} failed.` };
  }
  if (maintenance.some(({ job, lastRun }) => job === 'check' && hasFailed(lastRun))) {
    return { tone: 'bad', headline: 'The last check of the repository failed.' };
  }
  const late = named('overdue', 'stale');
  if (late.length > 0) {
    return { tone: 'warn', headline: `${namesOf(late)} ${late.length === 1 ? 'is' : 'are'} overdue.` };
  }
  const waiting = named('waiting');
  if (waiting.length === stood.length) return { tone: 'wait', headline: 'Waiting for the first backup.' };
  if (waiting.length > 0)
    return { tone: 'wait', headline: `Waiting for the first backup of ${namesOf(waiting)}.` };
  if (maintenance.some(({ job, lastRun }) => job === 'retention' && hasFailed(lastRun))) {
    return { tone: 'warn', headline: 'Everything is backed up, but the last retention failed.' };
  }
  const lateJob = maintenance.find((one) => maintenanceIsLate(one, secondsSince))?.job;
  if (lateJob !== undefined) {
    return { tone: 'warn', headline: `Everything is backed up, but the last ${lateJob} is overdue.` };
  }
  const warnedJob = maintenance.find(({ lastRun }) => lastRun?.warnings === true)?.job;
  if (warnedJob !== undefined) {
    return { tone: 'warn', headline: `Everything is backed up, but the last ${warnedJob} has warnings.` };
  }
  return named('warned').length > 0
    ? { tone: 'warn', headline: 'Everything is backed up, with warnings.' }
    : { tone: 'good', headline: 'Everything is backed up.' };
}

function openDetail(facts: PageFacts, stood: Stood[], status: Status): string {
  const { verdict, mode } = facts;
  const next = status.sources.flatMap(({ nextRun }) => nextRun ?? []).sort()[0];
  const now = verdict.judgedAt.getTime();
  const seconds = next === undefined ? -1 : (Date.parse(next) - now) / 1000;
  const closes = mode === 'observe' ? 'would close' : 'closes';
  return [
    oldestSentence(stood),
    verdict.heartbeat === null && seconds >= 0 ? `The next run is in ${duration(seconds)}.` : '',
    verdict.closesAt === null
      ? ''
      : `The gate ${closes} in ${duration((verdict.closesAt.getTime() - now) / 1000)} if nothing happens.`,
  ]
    .filter(Boolean)
    .join(' ');
}

// Those that gate decide when it closes; where none does, all count.
function oldestSentence(stood: Stood[]): string {
  const gating = stood.filter(({ source }) => source.gates);
  const counted = (gating.length > 0 ? gating : stood).filter(({ standing }) => standing.ageSeconds !== null);
  const [oldest] = counted.sort((one, other) => ageOf(other) - ageOf(one));
  if (oldest === undefined) return '';
  const name = nameOf(oldest);
  const age = duration(ageOf(oldest));
  return stood.length === 1 ? `Last good backup: ${age} ago.` : `Oldest: ${name}, ${age} ago.`;
}

const ageOf = ({ standing }: Stood) => standing.ageSeconds ?? 0;

function closedSummary({ verdict, limits, mode, agent }: PageFacts): Words {
  const gate = mode === 'observe' ? 'The gate would be closed' : 'The gate is closed';
  const explanation = explain(verdict, limits);
  const stale = agent.known
    ? standingsOf(agent.status.sources, limits.thresholdSeconds, verdict.judgedAt).filter(
        ({ source, standing }) =>
          source.gates && (standing.state === 'stale' || standing.ageSeconds === null),
      )
    : [];
  if (verdict.reason !== 'stale' || stale.length === 0) {
    return { tone: 'bad', headline: `${gate}.`, detail: explanation };
  }
  const has = stale.length === 1 ? 'has' : 'have';
  return {
    tone: 'bad',
    headline: `${gate}: ${namesOf(stale)} ${has} no backup that is fresh enough.`,
    detail: `${explanation} It opens by itself after the next good one.`,
  };
}

function gateSentence({ verdict, mode, override }: PageFacts): string {
  const open = override === null ? verdict.open : override.gate === 'open';
  const byHand = override !== null && open !== verdict.open;
  if (open) return byHand ? 'The gate is open by hand' : 'The gate is open';
  if (byHand && mode !== 'observe') return 'The gate is closed by hand';
  return mode === 'observe'
    ? 'The gate would be closed; in observe mode visitors are let in'
    : 'The gate is closed';
}

const nameOf = ({ source }: Stood) => clip(source.name, 60);

/** The first names, and how many more there are. */
function namesOf(stood: Stood[]): string {
  const names = stood.map(nameOf);
  if (names.length <= 3) return new Intl.ListFormat('en-GB').format(names);
  return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
}

function fullStop(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
