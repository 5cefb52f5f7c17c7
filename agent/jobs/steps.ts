import type { StepFacts } from '../ledger/ledger.ts';

/** What a step came to; one that throws has failed. */
export type StepEnd = Pick<StepFacts, 'result' | 'detail'>;

export interface Steps {
  /** In the order in which they ended. */
  readonly taken: StepFacts[];
  /** Times the work and keeps what it came to. What it throws is kept as the failure of the step, and thrown on. */
  take<T extends StepEnd>(step: StepFacts['step'], work: () => Promise<T>): Promise<T>;
  /** Keeps a step that was timed elsewhere. */
  note(step: StepFacts): void;
}

/** `now` counts milliseconds from anywhere. */
export function createSteps(now: () => number = () => performance.now()): Steps {
  const taken: StepFacts[] = [];
  const seconds = (startedAt: number) => Math.round((now() - startedAt) / 10) / 100;
  return {
    taken,
    note: (step) => void taken.push(step),
    take: async (step, work) => {
      const startedAt = now();
      try {
        const end = await work();
        taken.push({ step, result: end.result, seconds: seconds(startedAt), detail: end.detail });
        return end;
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        taken.push({ step, result: 'failed', seconds: seconds(startedAt), detail });
        throw error;
      }
    },
  };
}
