import type { Limits, Verdict } from '../freshness.ts';
import type { Override } from '../override.ts';
import type { Mode } from '../settings.ts';
import type { AgentStatus } from '../status.ts';

/** What the page and `/status.json` are made of. */
export interface PageFacts {
  verdict: Verdict;
  mode: Mode;
  limits: Limits;
  /** Somebody holds the gate open or closed by hand; null while nobody does. */
  override: Override | null;
  agent: AgentStatus;
  version: string;
}
