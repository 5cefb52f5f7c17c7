import { describe, expect, test } from 'vitest';
import type { Context } from '../../../agent/cli/context.ts';
import { runCommandLine } from '../../../agent/cli/program.ts';
import { describeError } from '../../../agent/core/errors.ts';
import { VERSION } from '../../../agent/core/version.ts';
import { simpleCommands } from '../../helpers/docs.ts';
import { idleProgram, refusalOf } from '../../helpers/program.ts';

/** Runs one command line whose command would fail to begin; what it says, and the exit code. */
async function run(args: string[], restic: string | null = null) {
  const lines: string[] = [];
  const errors: { message: string; hint: string | null }[] = [];
  const silent = () => undefined;
  const context = {
    print: {
      line: (text: string) => void lines.push(text),
      note: silent,
      error: (error: unknown) => {
        const { message, hint } = describeError(error);
        errors.push({ message, hint });
      },
    },
    signal: new AbortController().signal,
    resticVersion: () => Promise.resolve(restic),
    exitCode: 0,
  } as unknown as Context;
  return { code: await runCommandLine(['node', 'holdfast', ...args], context), lines, errors };
}

describe('bad usage → exit 2, what was wrong, and whose help to read', () => {
  test.each([
    [['backup', '--foo'], "unknown option '--foo'", 'holdfast backup --help'],
    [['check', '--al-data'], "unknown option '--al-data'; did you mean --all-data?", 'holdfast check --help'],
    [['restore'], "missing required argument 'source'", 'holdfast restore --help'],
    [['--foo'], "unknown option '--foo'", 'holdfast --help'],
    [['bakcup'], "unknown command 'bakcup'; did you mean backup?", 'holdfast --help'],
    [
      ['history', 'backup', '--limit', 'x'],
      "option '--limit <number>' argument 'x' is invalid: expected a whole number from 1",
      'holdfast history --help',
    ],
  ])('%j', async (args, message, help) => {
    const { code, errors } = await run(args);
    expect(code).toBe(2);
    expect(errors).toEqual([{ message, hint: expect.stringContaining(`\`${help}\``) as string }]);
  });
});

test.each(['--version', '-V'])('%s → exit 0, and restic’s version where there is one', async (option) => {
  const own = `holdfast ${VERSION}`;
  expect(await run([option], 'restic 0.19.1')).toEqual({
    code: 0,
    lines: [own, 'restic 0.19.1'],
    errors: [],
  });
  expect(await run([option])).toEqual({ code: 0, lines: [own], errors: [] });
});

const commands = idleProgram().commands.map((command) => command.name());

test.each([[], ...commands.map((name) => [name])])(
  'the help of holdfast %s → has examples, and the command line takes them',
  async (...name) => {
    const { code, lines } = await run([...name, '--help']);
    expect(code).toBe(0);
    const examples = /\nExamples?:\n((?: {2}.*\n?)+)/.exec(lines.join('\n'))?.[1] ?? '';
    const calls = simpleCommands(examples).filter((words) => words.includes('holdfast'));
    expect(calls.length).toBeGreaterThan(0);
    for (const words of calls) expect(await refusalOf(words.slice(words.indexOf('holdfast') + 1))).toBe(null);
  },
);
