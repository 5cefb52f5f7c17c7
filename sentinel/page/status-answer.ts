import { gateOf } from '../gate.ts';
import { standingsOf, type Standing } from '../standing.ts';
import type { Status } from '../heartbeat.ts';
import { explain } from '../words.ts';
import type { PageFacts } from './facts.ts';
import { noticesOf } from './notices.ts';
import { summaryOf } from './summary.ts';

/**
 * `GET /status.json`, version 1: what the page shows, for programs. Stable and documented in docs/page.md: a field keeps its
 * name, type and meaning; new ones may be added.
 */
export interface StatusAnswer {
  version: 1;
  at: string;
  summary: { headline: string; detail: string; tone: string; notices: string[] };
  gate: {
    /** Whether visitors are let in. */
    open: boolean;
    mode: string;
    thresholdSeconds: number;
    graceSeconds: number;
    override: { gate: 'open' | 'closed'; until: string; reason: string } | null;
  };
  verdict: {
    open: boolean;
    reason: string;
    explanation: string;
    detail: string;
    heartbeat: string | null;
    ageSeconds: number | null;
    closesAt: string | null;
    judgedAt: string;
  };
  sources: ({ name: string; gates: boolean } & Standing)[];
  /** What the agent left in the status folder, as it is. */
  agent: Status | null;
  agentProblem: string | null;
}

/** The whole answer; a pure function of the facts. */
export function statusAnswer(facts: PageFacts): StatusAnswer {
  const { verdict, mode, limits, override, agent } = facts;
  const { headline, detail, tone } = summaryOf(facts);
  const stood = agent.known
    ? standingsOf(agent.status.sources, limits.thresholdSeconds, verdict.judgedAt)
    : [];
  return {
    version: 1,
    at: verdict.judgedAt.toISOString(),
    summary: { headline, detail, tone, notices: noticesOf(facts) },
    gate: {
      open: gateOf(verdict, mode, override).open,
      mode,
      thresholdSeconds: limits.thresholdSeconds,
      graceSeconds: limits.graceSeconds,
      override: override && {
        gate: override.gate,
        until: override.until.toISOString(),
        reason: override.reason,
      },
    },
    verdict: {
      open: verdict.open,
      reason: verdict.reason,
      explanation: explain(verdict, limits),
      detail: verdict.detail,
      heartbeat: verdict.heartbeat?.toISOString() ?? null,
      ageSeconds: verdict.ageSeconds,
      closesAt: verdict.closesAt?.toISOString() ?? null,
      judgedAt: verdict.judgedAt.toISOString(),
    },
    sources: stood.map(({ source, standing }) => ({
      name: source.name,
      gates: source.gates,
      ...standing,
    })),
    agent: agent.known ? agent.status : null,
    agentProblem: agent.known ? null : agent.problem,
  };
}
