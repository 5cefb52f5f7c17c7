import type { Step } from './screen.ts';

/** What a command of Holdfast came to. */
export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

export interface SetUpStep {
  title: string;
  /** Names of the logs that tell why it failed. */
  logs: string[];
  run(step: Step): Promise<string>;
}

/** Where the demo plays: a database with a shop in it, the daemon, and the gate before the shop. */
export interface Stage {
  /** Completes the sentence "Holdfast, shown with …". */
  readonly description: string;
  /** The source and its database. */
  readonly database: string;
  /** What brings up the database, the shop and the daemon, in this order. */
  readonly setUp: SetUpStep[];
  /** Starts the sentinel and nginx: they close the shop when the last good backup is older than that. */
  startGate(thresholdSeconds: number, step: Step): Promise<void>;
  /** The shop through nginx, and the sentinel's page where it can be reached. Known when the gate stands. */
  readonly siteUrl: string;
  readonly sentinelUrl: string | null;
  /** The folder that the agent leaves the heartbeat in. */
  readonly statusFolder: string;
  holdfast(args: string[]): Promise<Answer>;
  /** That command as a person would type it. */
  typed(args: string[]): string;
  /** Rows of a query by the user that dumps. */
  query(sql: string): Promise<string[][]>;
  /** The last lines of one log; empty where there are none. */
  log(name: string): Promise<string>;
  /** Commands for somebody who wants to go on with it, after the ones that they need first. */
  readonly toTry: { first: string[]; commands: string[] };
}
