import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/**
 * What the daemon leaves in its state folder each time it looks at the clock, for `holdfast health` in another process.
 * Times are UTC.
 */
const pulseSchema = z.object({
  version: z.literal(1),
  /** When the daemon looked. */
  at: z.iso.datetime(),
  /** When it will have looked again, unless it is dead or stuck. */
  againBy: z.iso.datetime(),
  jobs: z.array(
    z.object({
      name: z.enum(['backup', 'verify', 'global-backup', 'tenant-backup', 'tenant-verify']),
      /** Whose it is; null for all sources. */
      source: z.string().nullable().default(null),
      /** The group of tenants; null for none. */
      group: z.string().nullable().default(null),
      /** When it last came due while this daemon lived; null while it never did. */
      due: z.iso.datetime().nullable(),
      /** Null where it never fires again. */
      next: z.iso.datetime().nullable(),
    }),
  ),
});
export type Pulse = z.infer<typeof pulseSchema>;

/** A reader sees the old one or the new one. It says nothing about yesterday, so it is not worth an fsync. */
export function writePulse(stateDir: string, pulse: Pulse): void {
  const temporary = join(stateDir, '.pulse.json.tmp');
  writeFileSync(temporary, JSON.stringify(pulse));
  renameSync(temporary, join(stateDir, NAME));
}

/** Null where no daemon ever ran with this state folder, or what lies there is no pulse. */
export function readPulse(stateDir: string): Pulse | null {
  try {
    return pulseSchema.parse(JSON.parse(readFileSync(join(stateDir, NAME), 'utf8')));
  } catch {
    return null;
  }
}

const NAME = 'pulse.json';
