import type { Command } from 'commander';
import { EXIT_CODES } from '../core/errors.ts';
import { examine, type Finding } from '../doctor.ts';
import type { Context } from './context.ts';

const MARKS = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' };

export function addDoctor(program: Command, context: Context): void {
  program
    .command('doctor')
    .description(
      'prove before the first night that everything is there: rights, clients, repository, clock, space, scratch',
    )
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast doctor\n  holdfast doctor --json\n\nExit codes: 0 all is well, 1 a backup would fail, 3 warnings.',
    )
    .action(async (options: { json?: boolean }) => {
      const tell = options.json ? () => undefined : (finding: Finding) => print(context, finding);
      const findings = await examine(await context.app(), context.signal, tell);
      if (options.json) context.print.json(findings);
      context.exitCode = verdict(findings);
    });
}

function print({ print: { line } }: Context, { subject, state, detail, hint }: Finding): void {
  line(`${MARKS[state]}  ${subject}: ${detail}`);
  if (hint !== null) line(`         ${hint}`);
}

function verdict(findings: Finding[]): number {
  if (findings.some(({ state }) => state === 'failed')) return EXIT_CODES.failed;
  return findings.some(({ state }) => state === 'warning') ? EXIT_CODES.warnings : EXIT_CODES.done;
}
