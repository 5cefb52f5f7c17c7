import { standingsOf } from '../standing.ts';
import { duration } from '../words.ts';
import { clip } from './clip.ts';
import type { PageFacts } from './facts.ts';

/** After that much time past a due run without a word from the agent, the page wonders. */
const patienceSeconds = 3600;

/** What an operator should know that no single source tells: sentences, often none. */
export function noticesOf(facts: PageFacts): string[] {
  const { agent, limits, verdict } = facts;
  if (!agent.known) {
    return [
      `Nothing can be shown of single sources: status.json cannot be used (${clip(agent.problem, 300)}). ` +
        'The agent writes it when it starts and after each run.',
    ];
  }
  const now = verdict.judgedAt;
  const { sources, writtenAt } = agent.status;
  const tight = standingsOf(sources, limits.thresholdSeconds, now).filter(
    ({ standing }) => standing.gateIsTighterThanSchedule,
  );
  const due = sources.flatMap(({ nextRun }) => nextRun ?? []).sort()[0];
  const late = due === undefined ? 0 : (now.getTime() - Date.parse(due)) / 1000;
  const ahead = (Date.parse(writtenAt) - now.getTime()) / 1000;
  return [
    late > patienceSeconds
      ? `A run was due ${duration(late)} ago and the agent has told nothing since: the run may still go on, or the agent is down. Look at its log.`
      : '',
    ahead > 300
      ? `The agent wrote its status ${duration(ahead)} in the future. A clock is wrong, here or at the agent.`
      : '',
    tight[0] === undefined
      ? ''
      : `Backups are up to ${duration(tight[0].source.rhythm?.everySeconds ?? 0)} apart, and the gate closes after ${duration(limits.thresholdSeconds)}: ` +
        'it closes before each backup. Back up more often (BACKUP_CRON), or raise SENTINEL_THRESHOLD_SECONDS.',
  ].filter(Boolean);
}
