import { reasons, type Verdict } from './freshness.ts';

export interface Measured {
  verdict: Verdict;
  /** What visitors get, which in observe mode is not what the verdict says. */
  gateOpen: boolean;
  thresholdSeconds: number;
  version: string;
}

/** Prometheus' text format. Times, not ages: PromQL subtracts. What is not known is left out. */
export function renderMetrics({ verdict, gateOpen, thresholdSeconds, version }: Measured): string {
  const heartbeat = verdict.heartbeat
    ? gauge('holdfast_heartbeat_timestamp_seconds', 'The oldest last success among the sources that gate.', [
        ['', verdict.heartbeat.getTime() / 1000],
      ])
    : [];
  return [
    ...gauge('holdfast_gate_open', 'Whether visitors are let in.', [['', Number(gateOpen)]]),
    ...gauge('holdfast_verdict_open', 'Whether the heartbeat alone would let visitors in.', [
      ['', Number(verdict.open)],
    ]),
    ...gauge(
      'holdfast_verdict_reason',
      'The reason of the verdict, 1 for the one that holds.',
      reasons.map((reason) => [`{reason="${reason}"}`, Number(reason === verdict.reason)]),
    ),
    ...heartbeat,
    ...gauge('holdfast_heartbeat_threshold_seconds', 'The age above which the heartbeat is stale.', [
      ['', thresholdSeconds],
    ]),
    ...gauge('holdfast_sentinel_build_info', 'The version of the sentinel.', [[`{version="${version}"}`, 1]]),
    '',
  ].join('\n');
}

function gauge(name: string, help: string, samples: [labels: string, value: number][]): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
  ];
}
