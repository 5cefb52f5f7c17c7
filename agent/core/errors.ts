/**
 * Every failure that a person can do something about. The message is one sentence part: lower case,
 * no full stop, what failed and on what. The hint is a full sentence with what to type next.
 */
export class HoldfastError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HoldfastError';
    this.kind = kind;
    this.hint = options.hint;
  }
}

/** `restore_failed`, for the server has not what the dump needs there: none of it is the dump's fault. */
export class LackingError extends HoldfastError {
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super('restore_failed', message, options);
  }
}

/** A closed list: tests, exit codes and docs/troubleshooting.md are written against it, messages may change. */
export const ERROR_KINDS = [
  'usage',
  'configuration',
  'busy',
  'interrupted',
  'timeout',
  'tool_missing',
  'source_unreachable',
  'source_denied',
  'client_mismatch',
  'rights_missing',
  'source_empty',
  'dump_failed',
  'dump_incomplete',
  'staging_full',
  'restore_failed',
  'verification_failed',
  'target_not_empty',
  'target_full',
  'repository_absent',
  'repository_locked',
  'repository_password',
  'repository_unreachable',
  'repository_changed',
  'repository_full',
  'repository_damaged',
  'repository_failed',
  'snapshot_absent',
  'proof_damaged',
  'failed',
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** The exit codes are API (docs/cli.md). */
export const EXIT_CODES = { done: 0, failed: 1, usage: 2, warnings: 3, stale: 4, busy: 5 } as const;

/** The one place where an error becomes an exit code. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof HoldfastError)) return EXIT_CODES.failed;
  if (error.kind === 'usage' || error.kind === 'configuration') return EXIT_CODES.usage;
  if (error.kind === 'busy' || error.kind === 'repository_locked') return EXIT_CODES.busy;
  return EXIT_CODES.failed;
}

/** What to tell of anything that was thrown, in the two lines that people see. */
export function describeError(error: unknown): { message: string; hint: string | null; kind: ErrorKind } {
  if (error instanceof HoldfastError) {
    return { message: error.message, hint: error.hint ?? null, kind: error.kind };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message, hint: null, kind: 'failed' };
}
