import type { JobName } from './core/glossary.ts';

/** The command that does now what was due of a schedule; the source is null for all of them. */
export function makeUpCommand(job: JobName, source: string | null): string {
  const [command, ...options] = partsOf(job);
  return [command, ...(source === null ? [] : [source]), ...options].join(' ');
}

function partsOf(job: JobName): [command: string, ...options: string[]] {
  switch (job) {
    case 'global-backup':
      return ['holdfast backup', '--global'];
    case 'tenant-backup':
      return ['holdfast backup', '--tenants'];
    case 'tenant-verify':
      return ['holdfast verify', '--tenants'];
    case 'verify':
      return ['holdfast verify'];
    default:
      return ['holdfast backup'];
  }
}
