import type { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';

export interface Visit {
  status: number;
  reason: string | null;
  retryAfter: string | null;
  type: string | null;
  body: string;
}

export async function visit(stack: Stack, path = '/', init: RequestInit = {}): Promise<Visit> {
  const response = await fetch(stack.url(path), {
    signal: AbortSignal.timeout(10_000),
    redirect: 'manual',
    ...init,
  });
  return {
    status: response.status,
    reason: response.headers.get('x-gate-reason'),
    retryAfter: response.headers.get('retry-after'),
    type: response.headers.get('content-type'),
    body: await response.text(),
  };
}

export const untilOpen = (stack: Stack, timeoutMs?: number) => untilStatus(stack, 200, timeoutMs);
export const untilClosed = (stack: Stack, timeoutMs?: number) => untilStatus(stack, 503, timeoutMs);

function untilStatus(stack: Stack, status: number, timeoutMs = 60_000): Promise<Visit> {
  return until(
    `visitors get ${status}`,
    async () => {
      const seen = await visit(stack);
      if (seen.status !== status) throw new Error(`they get ${seen.status}: ${seen.body.slice(0, 300)}`);
      return seen;
    },
    timeoutMs,
  );
}
