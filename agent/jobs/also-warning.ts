import type { Job } from './job.ts';

/** The same job, which tells beside its own warnings what was found out about its surroundings when it is done. */
export function alsoWarning(job: Job, look: () => Promise<string[]>): Job {
  return {
    ...job,
    run: async (context) => {
      const outcome = await job.run(context);
      return { ...outcome, warnings: [...outcome.warnings, ...(await look())] };
    },
  };
}
