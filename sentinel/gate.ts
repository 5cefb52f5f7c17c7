import type { Verdict } from './freshness.ts';
import type { Override } from './override.ts';
import type { Mode } from './settings.ts';

/** What visitors get, and everything that made it so. */
export interface Gate {
  open: boolean;
  verdict: Verdict;
  mode: Mode;
  /** In force at this moment; null for none. */
  override: Override | null;
}

/** The verdict decides, unless a person's override does; in observe mode the gate is open whatever either says. */
export function gateOf(verdict: Verdict, mode: Mode, override: Override | null): Gate {
  const decided = override === null ? verdict.open : override.gate === 'open';
  return { open: decided || mode === 'observe', verdict, mode, override };
}

/** Why it is as it is, in one word for headers and JSON: the verdict's reason, or that a person closed it. */
export function reasonOf({ open, verdict, override }: Gate): string {
  return !open && override !== null ? 'closed_by_hand' : verdict.reason;
}

/** The headers that every answer about the gate has. Never the override's reason: it is the operator's. */
export function headersOf(gate: Gate): Record<string, string> {
  const { open, verdict, mode, override } = gate;
  const headers: Record<string, string> = { 'X-Gate-Reason': reasonOf(gate) };
  if (mode === 'observe' || override !== null) headers['X-Gate-Would-Be'] = verdict.open ? 'open' : 'closed';
  if (override !== null) headers['X-Gate-Override'] = override.until.toISOString();
  if (!open) headers['Retry-After'] = retryAfter;
  return headers;
}

/** Seconds: short enough that a visitor comes back soon after the backup, long enough for crawlers to stay away. */
const retryAfter = '300';
