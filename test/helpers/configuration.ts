import { HoldfastError } from '../../agent/core/errors.ts';
import { loadConfig } from '../../agent/config/load.ts';
import type { Environment } from '../../agent/config/environment.ts';

/** The least that the environment form needs. */
export const SHOP: Environment = {
  RESTIC_REPOSITORY: '/repository',
  MYSQL_HOST: 'db',
  MYSQL_DATABASE: 'shop',
  MYSQL_USER: 'backup',
  MYSQL_PASSWORD: 'correct horse',
};

/** The lines of problems that loading ends with. */
export function problemsOf(environment: Environment): string[] {
  try {
    loadConfig(environment);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.kind !== 'configuration') throw error;
    return error.message.split('\n  ').slice(1);
  }
  throw new Error('the configuration was accepted');
}
