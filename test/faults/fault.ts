import type { TestEngine } from '../helpers/engines.ts';
import type { Stage, StageOptions } from './stage.ts';

/**
 * One row of the fault table: something goes wrong, so many times, and the oracle (oracle.ts) says each time what must be left.
 * `scripts/test faults --write` puts the table with the results of a run into docs/faults.md.
 */
export interface Fault {
  /** What goes wrong, as the page calls it. One of a kind in the whole table. */
  name: string;
  /** What the layer does to make it so, as a sentence part. */
  done: string;
  on: TestEngine[];
  /** How often it is injected in one run, on each engine. The oracle counts. */
  times: number;
  /** What is asserted of this fault, beside what the oracle asserts of all; a sentence part. */
  asserted: string;
  stage?: StageOptions;
  /** The next run that must be good when the fault is over: a backup where left out. */
  next?: Next;
  /** A dump that no run of the agent stored stays in the repository: the next backup must tell of it, and of nothing else. */
  leavesPlanted?: true;
  /** It leaves the source or the agent otherwise than it found them: no other row may go on with them. */
  changesStage?: true;
  inject: (stage: Stage) => Promise<void>;
}

/** `verify`: a backup, and the verification of it. `verification`: of the backup that is there. */
export type Next = 'backup' | 'verify' | 'verification';

/** Rows of one kind. */
export interface Area {
  title: string;
  /** The file that they stand in: a result counts for what that said when they were run. */
  file: string;
  faults: Fault[];
}
