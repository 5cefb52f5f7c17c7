import { HoldfastError } from '../core/errors.ts';
import type { Config } from './config.ts';

/**
 * The configuration of a command that acts as a role: as this one, or for null as the one of the configuration. Undefined is a command that
 * holds itself to no role. Throws `usage` for a role that there is not, for another one than the configuration's, and where a command cannot be held.
 */
export function actingAs(config: Config, as: string | null | undefined): Config {
  if (as === undefined) {
    if (config.role === null) return config;
    throw new HoldfastError('usage', `the role ${config.role} may not do this`, {
      hint: 'It may use `holdfast tenants`, and backup, restore and verify with --tenant; HOLDFAST_ROLE (in the file: role) says who you are.',
    });
  }
  if (as === null || as === config.role) return config;
  if (config.role !== null) {
    throw new HoldfastError('usage', `you are ${config.role}, and cannot act as ${as}`, {
      hint: 'HOLDFAST_ROLE (in the file: role) says who you are: leave out --as.',
    });
  }
  if (config.access.some(({ name }) => name === as)) return { ...config, role: as };
  const there = config.access.map(({ name }) => name);
  throw new HoldfastError('usage', `there is no role ${JSON.stringify(as)}`, {
    hint:
      there.length === 0
        ? 'The configuration has none: list them under access (docs/tenants.md).'
        : `The configuration has: ${there.join(', ')}.`,
  });
}
