import { HoldfastError } from '../core/errors.ts';

/** What `holdfast restore` is told, as commander has it. */
export interface Options {
  snapshot: string;
  at?: Date;
  to?: string;
  tables?: string[];
  tenant?: string;
  toTenant?: string;
  validateOnly?: boolean;
  byTenant?: boolean;
  json?: boolean;
  output?: string;
  yes?: boolean;
  keepOwners?: boolean;
  /** False for `--no-owner`. */
  owner: boolean;
  /** False for `--no-roles`. */
  roles: boolean;
  /** False for `--no-restore-point`. */
  restorePoint: boolean;
  inPlace?: boolean;
  unverified?: boolean;
  dryRun?: boolean;
  dropOld?: boolean;
  as?: string;
}

/** Throws `usage` for options that say different things. */
export function refuseContradictions(options: Options): void {
  // Some tables of a tenant are replaced as those of the whole are.
  const ofWhole = options.tables === undefined ? ['--tenant'] : [];
  const given: [option: string, isGiven: boolean, without: string[]][] = [
    ['--to', options.to !== undefined, ['--output', '--drop-old']],
    ['--tables', options.tables !== undefined, ['--output', '--drop-old', '--to-tenant', '--validate-only']],
    ['--tenant', options.tenant !== undefined, ['--output', '--drop-old']],
    ['--by-tenant', options.byTenant === true, ['--tables', '--tenant', '--output', '--drop-old']],
    ['--to-tenant', options.toTenant !== undefined, []],
    ['--validate-only', options.validateOnly === true, ['--dry-run']],
    ['--in-place', options.inPlace === true, ['--to', ...ofWhole, '--output', '--drop-old']],
    ['--unverified', options.unverified === true, ['--to', ...ofWhole, '--output', '--drop-old']],
    ['--keep-owners', options.keepOwners === true, ['--no-owner']],
    ['--dry-run', options.dryRun === true, ['--output', '--drop-old']],
    ['--output', options.output !== undefined, ['--drop-old']],
    ['--no-owner', !options.owner, []],
    ['--no-roles', !options.roles, ['--tenant', '--output', '--drop-old']],
    ['--drop-old', options.dropOld === true, []],
  ];
  const isGiven = (option: string) => given.some(([name, is]) => name === option && is);
  for (const [option, is, others] of given) {
    const other = is ? others.find(isGiven) : undefined;
    if (other === undefined) continue;
    throw new HoldfastError('usage', `${option} and ${other} exclude each other`, {
      hint: 'Give one of them.',
    });
  }
  if (options.tenant !== undefined && options.tables !== undefined && options.to !== undefined) {
    throw new HoldfastError('usage', '--tables of a tenant and --to exclude each other', {
      hint: 'Restore the whole tenant into the other database: leave out --tables.',
    });
  }
  if (options.byTenant === true && options.to === undefined) {
    throw new HoldfastError('usage', '--by-tenant goes with --to', {
      hint: 'Name a new database: --to NAME.',
    });
  }
  if (options.json === true && options.byTenant !== true) {
    throw new HoldfastError('usage', '--json goes with --by-tenant', {
      hint: 'Leave it out: the log says how it ended.',
    });
  }
  const ofTenant = ['--to-tenant', '--validate-only'].find(isGiven);
  if (ofTenant === undefined || options.tenant !== undefined) return;
  throw new HoldfastError('usage', `${ofTenant} goes with --tenant`, {
    hint: 'Name the tenant: --tenant ID.',
  });
}
