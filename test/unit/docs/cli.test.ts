import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../../../agent/core/errors.ts';
import { readDocument, sectionOf, tableOf } from '../../helpers/docs.ts';
import { idleProgram } from '../../helpers/program.ts';

const cli = readDocument('docs/cli.md');
const commands = idleProgram().commands;

const headingOf = (command: Command) => {
  const usage = command.registeredArguments.map((argument) => {
    const name = argument.name() + (argument.variadic ? '…' : '');
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  // What follows `--` is restic's own.
  const shown = command.name() === 'restic' ? [] : usage;
  return `### \`holdfast ${[command.name(), ...shown].join(' ')}\``;
};

describe('docs/cli.md', () => {
  test('the exit codes → are those of the code', () => {
    const rows = tableOf(sectionOf(cli, '## Exit codes')).map((row) => [row.name, Number(row.code)]);
    expect(Object.fromEntries(rows)).toEqual(EXIT_CODES);
  });

  test('its headings → are the commands, in the order of the help', () => {
    const headings = [...sectionOf(cli, '## Commands').matchAll(/^### .*$/gm)].map(([heading]) => heading);
    expect(headings.sort()).toEqual(commands.map(headingOf).sort());
  });

  test.each(commands.map((command) => ({ name: command.name(), command })))(
    'holdfast $name → each of its options stands there, and no other',
    ({ command }) => {
      const section = sectionOf(cli, headingOf(command));
      const documented = section.includes('| option')
        ? tableOf(section).map((row) => (row.option ?? '').replaceAll('\\', ''))
        : [];
      const told = [...documented, ...(section.includes('`--json`: ') ? ['--json'] : [])];
      expect(told.sort()).toEqual(command.options.map((option) => option.flags).sort());
    },
  );
});
