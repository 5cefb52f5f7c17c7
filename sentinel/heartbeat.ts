/**
 * The contract of the status folder: what the agent leaves there and the sentinel reads.
 *
 * Two files, each written to a temporary name in the same folder, fsynced and renamed, so that a reader sees
 * the old content or the new one and never a part of either. The folder is mounted, never a single file: a
 * rename would leave the old inode behind the mount.
 *
 * - `last_ok` decides. One line: the oldest last success among the sources that gate.
 * - `status.json` informs. Everything else that people want to see; no verdict ever depends on it.
 */
import { z } from 'zod';

export * from './last-ok.ts';

/** Name of the file that tells people and metrics the rest. */
export const statusName = 'status.json';

/** Bytes above which `status.json` is not read: five hundred sources fit. */
export const statusMaxBytes = 1024 * 1024;

const moment = z.iso.datetime();

/** How one execution of a job ended, or that it is still going on. */
const runSchema = z.object({
  /** The job's name: `backup`, `retention`, `check`, … */
  job: z.string(),
  result: z.enum(['running', 'succeeded', 'failed', 'interrupted', 'skipped']),
  /** Done, but there is something that the operator should read in `reason`. */
  warnings: z.boolean(),
  /** One sentence for people, empty when there is nothing to say. Secrets are masked. */
  reason: z.string(),
  /** What to do about it: one sentence with the command to type. */
  hint: z.string().nullable(),
  startedAt: moment,
  /** Null while it is running. */
  finishedAt: moment.nullable(),
  /** Bytes of the dump before compression; null where there was none. */
  bytes: z.int().nonnegative().nullable(),
  /** Null for jobs of the whole repository. */
  source: z.string().nullable().default(null),
  /** `schedule`, `catch-up` or `command`; empty where an older agent did not tell. */
  trigger: z.string().default(''),
  /** What the operator should read although it is done: the first few of its warnings. */
  notes: z.array(z.string()).default([]),
});

/**
 * What became of a day. `good`: backed up. `problems`: backed up, but a run failed or had warnings. `failed`: runs, and none
 * succeeded. `missed`: a backup was due and none was begun. `idle`: nothing was due.
 */
const daySchema = z.enum(['good', 'problems', 'failed', 'missed', 'idle']).catch('idle');

/** What a schedule lets one expect. */
const rhythmSchema = z.object({
  /** Null when it never comes again. */
  next: moment.nullable(),
  /** The widest gap between the next times. */
  everySeconds: z.int().positive().nullable(),
  /** The age from which it is overdue: that gap and a quarter of it. */
  overdueAfterSeconds: z.int().positive().nullable(),
});

const sourceSchema = z.object({
  name: z.string(),
  engine: z.enum(['mysql', 'mariadb', 'postgres']),
  /** Whether this source's age counts in `last_ok`. */
  gates: z.boolean(),
  /** The time of the newest backup that counts; null while there is none. */
  lastSuccess: moment.nullable(),
  lastRun: runSchema.nullable(),
  /** Null when nothing is scheduled. */
  nextRun: moment.nullable(),
  /** Null where an older agent did not tell. */
  rhythm: rhythmSchema.nullable().default(null),
  verification: z
    .object({
      /** When the newest good one began: that proved what the configuration wants proved. Its age is what is watched. */
      lastSuccess: moment.nullable(),
      /** When the source's first backup began, from which on a good one is awaited; null before it, and where an older agent did not tell. */
      awaitedSince: moment.nullable().default(null),
      lastRun: runSchema.nullable(),
      rhythm: rhythmSchema,
      /** When the newest one began that showed the snapshot equal to the source. */
      lastProved: moment.nullable().default(null),
      /** What the newest one that ended came to; null for none, and where an older agent did not tell. */
      verdict: z.enum(['proved', 'restored', 'failed', 'not run']).nullable().catch(null).default(null),
      /** Why that one is not proved. */
      why: z.string().nullable().default(null),
      /** How many tables have rows of which that one compared samples alone; 0 for none, and where an older agent did not tell. */
      sampledTables: z.int().nonnegative().default(0),
      /** What the newest restore took that came to its end. */
      restoreSeconds: z.number().nonnegative().nullable().default(null),
    })
    .nullable()
    .default(null),
  /** How its tenants stand to being proved by themselves; null where they are not, and where an older agent did not tell. */
  tenants: z
    .object({
      /** How many there were when all had their turn last. */
      total: z.int().nonnegative(),
      /** A proof is to be renewed before it is older; null where none is overdue ever. */
      everySeconds: z.int().positive().nullable(),
      /** Whose proof is the oldest, and when the verification began that gave it; null for none. */
      oldest: z.object({ tenant: z.string(), lastProved: moment.nullable() }).nullable(),
      /** When the first of them is overdue; null where none ever is. */
      overdueAt: moment.nullable(),
      /** How many are overdue when this is written, and the first few of them. */
      overdue: z.object({ total: z.int().nonnegative(), tenants: z.array(z.string()) }),
      /** Those whose newest verification failed: how many, and why the first few did. */
      failed: z.object({
        total: z.int().nonnegative(),
        tenants: z.array(z.object({ tenant: z.string(), why: z.string() })),
      }),
      /** The newest verification of tenants, whichever they were. */
      lastRun: runSchema.nullable(),
      /** Null when nothing is scheduled. */
      next: moment.nullable(),
    })
    .nullable()
    .default(null),
  /** What the operator set as goals: the age of the last good backup, and the time that a restore takes. Null where an older agent did not tell. */
  objectives: z
    .object({
      rpoSeconds: z.int().positive().nullable(),
      rtoSeconds: z.int().positive().nullable(),
    })
    .nullable()
    .default(null),
  /** Bytes of the dumps of the newest good backups, at most thirty, oldest first. */
  sizes: z.array(z.int().nonnegative()).default([]),
  /** The last thirty days in the agent's time zone, oldest first; the last entry is the day of `writtenAt`. */
  days: z.array(daySchema).default([]),
});

const maintenanceSchema = z.object({
  job: z.enum(['retention', 'check']),
  /** When the newest good one ended. */
  lastSuccess: moment.nullable(),
  /** When the first backup began, from which on one is awaited; null before it, and where an older agent did not tell. */
  awaitedSince: moment.nullable().default(null),
  /** The age from which it is overdue; null where it never comes, and where an older agent did not tell. */
  overdueAfterSeconds: z.int().positive().nullable().default(null),
  lastRun: runSchema.nullable(),
});

/**
 * `status.json`, version 1. Times are UTC ISO 8601, sizes are bytes.
 *
 * Readers ignore keys that they do not know, so keys may be added within a version; none is removed or
 * changes its meaning without a new version.
 */
export const statusSchema = z.object({
  version: z.literal(1),
  writtenAt: moment,
  /** The configured name, as in the snapshots' `--host`. */
  host: z.string(),
  agentVersion: z.string(),
  /** IANA name of the zone in which schedules are read. */
  timeZone: z.string().default('UTC'),
  sources: z.array(sourceSchema),
  maintenance: z.array(maintenanceSchema),
  /** Null until the agent has reached it once. */
  repository: z
    .object({
      /** With credentials masked. */
      location: z.string(),
      id: z.string().nullable(),
      /** What it took on disk after each of the last checks, at most thirty, oldest first. */
      sizes: z.array(z.object({ at: moment, bytes: z.int().nonnegative() })).default([]),
      /** Snapshots in it at the last check; null while it is not known. */
      snapshots: z.int().nonnegative().nullable().default(null),
      /** What the backups of the last thirty days added, before retention took anything away; null while not known. */
      addedBytes: z.int().nonnegative().nullable().default(null),
      /** Free on its disk; null where that is not known, as with every repository elsewhere. */
      freeBytes: z.int().nonnegative().nullable().default(null),
      /** In how many days that is used up at its growth of late; null where nothing can be said. */
      fullInDays: z.int().nonnegative().nullable().default(null),
      /** When checks had last read all of its data; null for never. */
      allDataReadAt: moment.nullable().default(null),
    })
    .nullable(),
  /** The newest runs of all jobs, at most twenty, newest first. */
  runs: z.array(runSchema).default([]),
});

/** As it may lie in the folder: an older agent's file lacks what was added since. */
export type StatusFile = z.input<typeof statusSchema>;

export type Status = z.infer<typeof statusSchema>;
export type SourceStatus = z.infer<typeof sourceSchema>;
export type MaintenanceStatus = z.infer<typeof maintenanceSchema>;
export type RunStatus = z.infer<typeof runSchema>;
export type Rhythm = z.infer<typeof rhythmSchema>;
export type DayState = z.infer<typeof daySchema>;
export type RepositoryStatus = NonNullable<Status['repository']>;
