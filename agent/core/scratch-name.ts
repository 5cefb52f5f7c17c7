/** Every scratch database, and the one beside a target that a restore loads into, begins so; nothing else may. */
export const SCRATCH = 'holdfast_scratch_';
