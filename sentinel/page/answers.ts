import type { PageFacts } from './facts.ts';
import { renderPage } from './page.ts';
import { statusAnswer } from './status-answer.ts';
import { pagePolicy } from './style.ts';

export interface Answer {
  headers: Record<string, string>;
  body: string;
}

/** `/` for the operator. A header refreshes it: a `meta` would do so even in a saved copy. */
export function answerPage(facts: PageFacts): Answer {
  return {
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': pagePolicy,
      'Referrer-Policy': 'no-referrer',
      Refresh: '60',
    },
    body: renderPage(facts),
  };
}

/** `/status.json` for programs: the same facts. */
export function answerStatus(facts: PageFacts): Answer {
  return {
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
    body: JSON.stringify(statusAnswer(facts)),
  };
}
