import { type Limits, reasons } from './freshness.ts';
import type { Gate } from './gate.ts';

/** Prometheus' text format. Times, not ages: PromQL subtracts. What is not known is left out. */
export function renderMetrics({ open, verdict, override }: Gate, limits: Limits, version: string): string {
  const { thresholdSeconds, verifyThresholdSeconds = 0 } = limits;
  return [
    ...gauge('holdfast_gate_open', 'Whether visitors are let in.', [['', Number(open)]]),
    ...gauge('holdfast_verdict_open', 'Whether the heartbeat alone would let visitors in.', [
      ['', Number(verdict.open)],
    ]),
    ...gauge(
      'holdfast_verdict_reason',
      'The reason of the verdict, 1 for the one that holds.',
      reasons.map((reason) => [`{reason="${reason}"}`, Number(reason === verdict.reason)]),
    ),
    ...gauge('holdfast_gate_override', 'Whether an override of the operator is in force.', [
      ['', Number(override !== null)],
    ]),
    ...time('holdfast_gate_override_until_timestamp_seconds', 'When the override ends.', override?.until),
    ...time(
      'holdfast_heartbeat_timestamp_seconds',
      'The oldest last success among the sources that gate.',
      verdict.heartbeat,
    ),
    ...gauge('holdfast_heartbeat_threshold_seconds', 'The age above which the heartbeat is stale.', [
      ['', thresholdSeconds],
    ]),
    ...time(
      'holdfast_verification_timestamp_seconds',
      'The oldest last good verification among the sources that gate, where it gates too.',
      verdict.verifiedAt,
    ),
    ...gauge(
      'holdfast_verification_threshold_seconds',
      'The age above which the verification is stale; 0 when it does not gate.',
      [['', verifyThresholdSeconds]],
    ),
    ...gauge('holdfast_sentinel_build_info', 'The version of the sentinel.', [[`{version="${version}"}`, 1]]),
    '',
  ].join('\n');
}

function time(name: string, help: string, moment: Date | null | undefined): string[] {
  return moment ? gauge(name, help, [['', moment.getTime() / 1000]]) : [];
}

function gauge(name: string, help: string, samples: [labels: string, value: number][]): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
  ];
}
