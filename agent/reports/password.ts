import type { Ledger } from '../ledger/ledger.ts';

const CONFIRMED = 'password stored elsewhere';

/**
 * The sentence that says where the generated password lies, until it is confirmed as stored elsewhere; null where there
 * is nothing to confirm. Whoever loses that password has lost every backup, and the server that it lies on is what
 * backups are for.
 */
export function passwordReminder(ledger: Pick<Ledger, 'recall'>, generatedAt: string | null): string | null {
  if (generatedAt === null || ledger.recall(CONFIRMED) !== null) return null;
  return (
    `the repository's password was generated and lies only in ${generatedAt}; without it no backup can be read. ` +
    'Store a copy elsewhere, then run `holdfast init --password-stored`.'
  );
}

/** Records that the operator keeps a copy of the password. */
export function confirmPassword(ledger: Pick<Ledger, 'remember'>, at: string): void {
  ledger.remember(CONFIRMED, at);
}
