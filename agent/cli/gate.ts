import { InvalidArgumentError, type Command } from 'commander';
import { utc } from '../core/clock.ts';
import { HoldfastError } from '../core/errors.ts';
import { humanDuration } from '../core/units.ts';
import { currentOverride, holdGate, releaseGate, type OverridePlace } from '../reports/override.ts';
import type { Context } from './context.ts';
import { who } from './who.ts';

interface Options {
  for?: number;
  reason?: string;
  by?: string;
  json?: boolean;
}

export function addGate(program: Command, context: Context): void {
  program
    .command('gate')
    .description(
      'hold the gate open or closed for a while whatever the backups, end that, or say whether it is so',
    )
    .argument('[action]', 'open, close, or auto, which ends both; without it: what is in force')
    .option('--for <time>', 'open and close: how long (30min, 2h), a day at most', duration)
    .option('--reason <text>', 'open and close: why, in one line for the history')
    .option('--by <name>', 'who says so; without it, the user of this process')
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast gate open --for 2h --reason "moving to the new server"\n  holdfast gate\n  holdfast gate auto',
    )
    .action(async (action: string | undefined, options: Options) => {
      const { config, ledger, clock } = await context.app({ withoutSources: true });
      const place = { folder: config.statusDir, ledger, clock, by: who(options.by) };
      if (action === 'open') return hold('open', place, options, context);
      if (action === 'close') return hold('closed', place, options, context);
      if (options.for !== undefined || options.reason !== undefined) {
        throw new HoldfastError('usage', '--for and --reason belong to `gate open` and `gate close`', {
          hint: EXAMPLE,
        });
      }
      if (action === undefined) return show(place, options, context);
      if (action === 'auto') return release(place, options, context);
      throw new HoldfastError('usage', `the gate knows open, close and auto, not "${action}"`, {
        hint: EXAMPLE,
      });
    });
}

const EXAMPLE =
  'Type `holdfast gate open --for 2h --reason "moving to the new server"`, or `holdfast gate auto`.';

async function hold(
  gate: 'open' | 'closed',
  place: OverridePlace,
  options: Options,
  { print }: Context,
): Promise<void> {
  const { for: seconds, reason, json } = options;
  if (seconds === undefined || reason === undefined) {
    throw new HoldfastError('usage', 'an override has an end and a reason', { hint: EXAMPLE });
  }
  const override = await holdGate(place, { gate, seconds, reason });
  if (json) return print.json(shown(override));
  print.line(`${gate} until ${utc(override.until)}, whatever the backups: ${override.reason}`);
}

async function release(place: OverridePlace, { json }: Options, { print }: Context): Promise<void> {
  const ended = await releaseGate(place);
  if (json) return print.json(shown(null));
  const done = ended === null ? 'there was no override' : `ended the override until ${utc(ended.until)}`;
  print.line(`${done}; the gate goes by the backups`);
}

function show(place: OverridePlace, { json }: Options, { print }: Context): void {
  const { override, problem } = currentOverride(place);
  if (problem !== null) {
    print.note(
      `warning: there is an override that does nothing: ${problem}; \`holdfast gate auto\` removes it`,
    );
  }
  if (json) return print.json(shown(override));
  if (override === null) return print.line('no override: the gate goes by the backups');
  const left = humanDuration(override.until.getTime() - place.clock.now().getTime());
  print.line(
    `${override.gate} until ${utc(override.until)} (${left} left), whatever the backups: ${override.reason}`,
  );
}

function shown(override: ReturnType<typeof currentOverride>['override']) {
  if (override === null) return { version: 1, override: null };
  const { gate, setAt, until, reason } = override;
  return { version: 1, override: { gate, setAt: utc(setAt), until: utc(until), reason } };
}

const UNITS: Record<string, number> = { min: 60, m: 60, h: 3600, d: 86_400 };

function duration(text: string): number {
  const [, number = '', unit = ''] = /^([1-9]\d{0,4}) ?(min|m|h|d)$/.exec(text) ?? [];
  const seconds = Number(number) * (UNITS[unit] ?? 0);
  if (seconds === 0) throw new InvalidArgumentError('expected a time such as 30min or 2h.');
  return seconds;
}
