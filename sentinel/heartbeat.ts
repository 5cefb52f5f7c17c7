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

/** Name of the file that decides whether the gate is open. */
export const lastOkName = 'last_ok';

/** Name of the file that tells people and metrics the rest. */
export const statusName = 'status.json';

/** Bytes above which `last_ok` is not one of ours, and malformed. */
export const lastOkMaxBytes = 4096;

/** Bytes above which `status.json` is not read: a thousand sources fit. */
export const statusMaxBytes = 1024 * 1024;

export type LastOk = { ok: true; time: Date } | { ok: false; problem: string };

/** The content of `last_ok` for that moment, to the second: `2026-11-20T03:00:12Z` and a newline. */
export function formatLastOk(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z\n`;
}

/**
 * Reads the content of `last_ok`; never throws.
 *
 * Takes one UTC time as `formatLastOk` writes it; a fraction of a second may be there and the newline may be
 * missing, so that `date -u +%FT%TZ` in a shell is good too. Anything else is malformed: local times, offsets,
 * epoch seconds, a second line, days that no calendar has. `problem` is a phrase for the operator.
 */
export function parseLastOk(text: string): LastOk {
  if (text.length > lastOkMaxBytes) return { ok: false, problem: `longer than ${lastOkMaxBytes} bytes` };
  if (text.trim() === '') return { ok: false, problem: 'empty' };

  const line = utcLine.exec(text);
  const time = new Date(line?.[1] ?? Number.NaN);
  if (line === null || !namesARealMoment(time, text)) {
    return { ok: false, problem: `expected one UTC time such as 2026-11-20T03:00:12Z, got ${excerpt(text)}` };
  }
  return { ok: true, time };
}

const utcLine = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)\n?$/;

// Date takes February 30th for March 2nd, and 24:00 for the next day.
function namesARealMoment(time: Date, text: string): boolean {
  return !Number.isNaN(time.getTime()) && time.toISOString().slice(0, 19) === text.slice(0, 19);
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

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
});

const maintenanceSchema = z.object({
  job: z.enum(['retention', 'check']),
  lastSuccess: moment.nullable(),
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
  sources: z.array(sourceSchema),
  maintenance: z.array(maintenanceSchema),
  /** Null until the agent has reached it once. */
  repository: z
    .object({
      /** With credentials masked. */
      location: z.string(),
      id: z.string().nullable(),
    })
    .nullable(),
});

export type Status = z.infer<typeof statusSchema>;
export type SourceStatus = z.infer<typeof sourceSchema>;
export type MaintenanceStatus = z.infer<typeof maintenanceSchema>;
export type RunStatus = z.infer<typeof runSchema>;
