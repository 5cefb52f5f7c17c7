import { causeOf, checkFindings, checkSummary, findLine } from './messages.ts';
import type { Damage } from './repository.ts';

/**
 * What restic 0.19's check found, by what is broken. Its summary counts, and names packs whose bytes are wrong; the rest is in
 * sentences. One that nobody knows is kept as it is: damage that has no name is damage all the same.
 */
export function damageIn(stdout: string, stderr: string[]): Damage | null {
  const summary = findLine(checkSummary, stdout);
  if (summary === undefined) return null;
  const findings = checkFindings(stderr);
  const named = (pattern: RegExp) => idsIn(findings, pattern);
  const damage: Damage = {
    errors: summary.num_errors,
    first: findings.find((line) => !BESIDE.test(line)) ?? causeOf(stderr),
    indexes: named(/error loading index ([0-9a-f]{64})/g),
    missingPacks: named(/^pack ([0-9a-f]{64}): does not exist/g),
    damagedPacks: [
      ...new Set([
        ...(summary.broken_packs ?? []),
        ...named(/^pack ([0-9a-f]{64})(?:: unexpected file size| contains \d+ errors)/g),
      ]),
    ],
    snapshots: named(/failed to load snapshot ([0-9a-f]{8,64})/g),
    missingData: findings.some((line) => /not found in (index|repository)/.test(line)),
    others: findings.filter((line) => !KNOWN.some((pattern) => pattern.test(line)) && !BESIDE.test(line)),
  };
  // A pack that is gone cannot be loaded either: one damage, told twice.
  const isTold = (line: string) => damage.missingPacks.some((id) => line.includes(id.slice(0, 10)));
  damage.others = damage.others.filter((line) => !isTold(line));
  return damage;
}

const KNOWN = [
  /error loading index [0-9a-f]{64}/,
  /^pack [0-9a-f]{64}(: does not exist|: unexpected file size| contains \d+ errors)/,
  /failed to load snapshot [0-9a-f]{8,64}/,
  /not found in (index|repository)/,
];
/** Headings and advice around the findings. */
const BESIDE =
  /^(error for tree |The repository (index )?(is|contains) |restic repair |Damaged pack files can |Fatal: )/;

function idsIn(findings: string[], pattern: RegExp): string[] {
  return [
    ...new Set(findings.flatMap((line) => [...line.matchAll(pattern)].flatMap((match) => match[1] ?? []))),
  ];
}
