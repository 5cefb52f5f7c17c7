import { describeError, HoldfastError } from '../../core/errors.ts';
import { told } from '../../core/role-words.ts';
import type { MadeRole, Roles, RolesPlan } from '../../sources/roles.ts';
import type { Source } from '../../sources/source.ts';
import type { Notes } from '../init.ts';
import { EndedRun, type Outcome } from '../job.ts';
import { tellRoles } from './plan-roles.ts';
import type { Restoration } from './restoration.ts';

const DROP_TIMEOUT_MS = 60_000;

/**
 * Makes the roles of a plan, restores, and tells of them. Where the restore fails they are dropped again, or named where something has
 * come to depend on them. The ledger notes them meanwhile, so that those of a killed restore are found.
 */
export async function withRoles(
  { source, settings, context }: Pick<Restoration, 'source' | 'settings' | 'context'>,
  plan: RolesPlan | null,
  restore: () => Promise<Outcome>,
): Promise<Outcome> {
  const { roles } = source;
  if (plan === null || roles === undefined) return restore();
  let made: MadeRole[] = [];
  const onMade = (all: MadeRole[]) => {
    made = all;
    remember(settings.notes, source.name, all);
  };
  const lost = await roles.make(plan, onMade, context.signal).catch((error: unknown) => {
    // It broke off at its very end: still noted, so that the next run looks.
    throw made.length > 0 ? unclear(error, made) : error;
  });
  let outcome: Outcome;
  try {
    outcome = await restore();
  } catch (error) {
    const { signal } = context;
    const cause: unknown = signal.aborted && !stands(error) ? signal.reason : error;
    throw await undone(cause, { roles, made, source, notes: settings.notes });
  }
  forget(settings.notes, source.name, made);
  const names = plan.roles.map(({ name }) => name);
  return {
    reason: `${outcome.reason}; created ${names.length === 1 ? 'a role that was' : `${names.length} roles that were`} missing: ${tellRoles(plan.roles)}`,
    warnings: [...outcome.warnings, ...plan.warnings, ...lost],
    facts: { ...outcome.facts, createdRoles: names },
  };
}

/** Drops the roles that a killed restore of the source made; returns what is to be told of it, null where there is nothing. Call under the run lock. */
export async function sweepRoles(
  { name, roles }: Source,
  notes: Notes,
  signal: AbortSignal,
): Promise<string | null> {
  const made = noted(notes, name);
  if (made.length === 0 || roles === undefined) return null;
  const { dropped, left } = await roles.drop(made, signal);
  forget(notes, name, made);
  if (dropped.length > 0)
    return `dropped ${told(dropped)}, which a restore of ${name} had made when it was killed`;
  return left.length === 0
    ? null
    : `${told(left)}, made by a restore of ${name} that was killed, ${left.length === 1 ? 'stays' : 'stay'}: something belongs to ${left.length === 1 ? 'it' : 'them'}`;
}

/** The error to throw: the cause, with what stays. Where the run stands although it failed, its roles are at work. */
async function undone(
  error: unknown,
  { roles, made, source, notes }: { roles: Roles; made: MadeRole[]; source: Source; notes: Notes },
): Promise<unknown> {
  try {
    const names = made.map(({ name }) => name);
    const { left } = stands(error)
      ? { left: names }
      : await roles.drop(made, AbortSignal.timeout(DROP_TIMEOUT_MS));
    forget(notes, source.name, made);
    if (left.length === 0) return error;
    return saying(error, `${told(left)}, created for it, ${left.length === 1 ? 'stays' : 'stay'}`, names);
  } catch (failure) {
    // Still noted: the next run drops them.
    const why = describeError(failure).message;
    const names = made.map(({ name }) => name);
    return saying(error, `${told(names)}, created for it, could not be dropped yet: ${why}`, names);
  }
}

function saying(error: unknown, what: string, createdRoles: string[]): unknown {
  const { kind, message, hint } = describeError(error);
  const whole = new HoldfastError(kind, `${message}; ${what}`, {
    ...(hint === null ? {} : { hint }),
    cause: error,
  });
  // Also of a run that was told to stop: otherwise nobody would hear of it.
  const facts = { ...(error instanceof EndedRun ? error.facts : {}), createdRoles };
  const end = kind === 'interrupted' ? 'interrupted' : 'failed';
  return new EndedRun(error instanceof EndedRun ? error.result : end, whole, facts, { stands: true });
}

function stands(error: unknown): boolean {
  return error instanceof EndedRun && error.stands;
}

function unclear(error: unknown, made: MadeRole[]): unknown {
  const { kind, message, hint } = describeError(error);
  return new HoldfastError(
    kind,
    `${message}; whether ${told(made.map(({ name }) => name))} were created is not known`,
    {
      hint: hint ?? 'The next command that changes something looks, and drops them.',
      cause: error,
    },
  );
}

function noted(notes: Notes, source: string): MadeRole[] {
  return JSON.parse(notes.recall(noteOf(source)) ?? '[]') as MadeRole[];
}

/** Beside those of a killed restore that could not be dropped yet. */
function remember(notes: Notes, source: string, made: MadeRole[]): void {
  notes.remember(noteOf(source), JSON.stringify([...noted(notes, source), ...made]));
}

/** These alone. */
function forget(notes: Notes, source: string, made: MadeRole[]): void {
  const rest = noted(notes, source).filter(({ oid }) => !made.some((one) => one.oid === oid));
  if (notes.recall(noteOf(source)) !== null) notes.remember(noteOf(source), JSON.stringify(rest));
}

function noteOf(source: string): string {
  return `roles made for a restore of ${source}`;
}
