import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { blocksOf, documents, readDocument, simpleCommands } from '../../helpers/docs.ts';
import { helpOf, refusalOf } from '../../helpers/program.ts';
import { repositoryRoot } from '../../helpers/stack.ts';

/** A command that is spoken of and not printed may lack what it needs. */
const UNFINISHED = ['commander.missingArgument', 'commander.optionMissingArgument'];

/** Somebody's words for "any of them": no command to be tried. */
const isSketch = (args: string[]) => args.some((arg) => /…|^COMMAND$/.test(arg));

/** The arguments of every `holdfast` in a script, behind `docker compose exec db_backup` or by its path too. */
function callsOf(script: string): string[][] {
  return simpleCommands(script).flatMap((words) => {
    const at = words.findIndex((word) => /^(?:.*\/)?holdfast$/.test(word));
    const starts = at === 0 || words[at - 1] === 'db_backup';
    return at === -1 || !starts ? [] : [withoutRedirections(words.slice(at + 1))];
  });
}

function withoutRedirections(words: string[]): string[] {
  const at = words.findIndex((word) => /^\d?>/.test(word));
  return at === -1 ? words : words.slice(0, at);
}

async function refused(calls: { args: string[]; where: string }[], allowed: string[] = []) {
  const told: string[] = [];
  for (const { args, where } of calls.filter((call) => !isSketch(call.args))) {
    const refusal = await refusalOf(args);
    if (refusal !== null && !allowed.includes(refusal.code))
      told.push(`${where}: holdfast ${args.join(' ')}: ${refusal.message}`);
  }
  return told;
}

describe('every holdfast command that is printed', () => {
  test('in a block of shell → the command line takes it', async () => {
    const calls = documents()
      .flatMap((file) => blocksOf(file, 'bash', 'sh'))
      .flatMap(({ file, line, text }) => callsOf(text).map((args) => ({ args, where: `${file}:${line}` })));
    expect(calls.length).toBeGreaterThan(40);
    expect(await refused(calls)).toEqual([]);
  });

  test('in prose → the command line knows it and its options', async () => {
    const calls = documents().flatMap((file) =>
      [...readDocument(file).matchAll(/`((?:scripts\/)?holdfast [^`]+)`/g)].flatMap(([, text = '']) =>
        callsOf(text.replace(/[<[][^>\]]*[>\]]/g, ' x ')).map((args) => ({ args, where: file })),
      ),
    );
    expect(calls.length).toBeGreaterThan(40);
    expect(await refused(calls, UNFINISHED)).toEqual([]);
  });

  test('as an example of the help → the command line takes it', async () => {
    const calls = helpOf().flatMap(({ name, help }) =>
      [...help.matchAll(/^ {2}(holdfast .*)$/gm)].flatMap(([, text = '']) =>
        callsOf(text).map((args) => ({ args, where: `holdfast ${name} --help` })),
      ),
    );
    expect(calls.length).toBeGreaterThan(20);
    expect(await refused(calls)).toEqual([]);
  });

  test('in a hint or message of the agent → the command line knows it', async () => {
    const agent = join(repositoryRoot, 'agent');
    const files = readdirSync(agent, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const calls = files.flatMap((file) =>
      [...readFileSync(join(agent, file), 'utf8').matchAll(/\\?`(holdfast [^`\\\n]+)\\?`/g)].flatMap(
        ([, text = '']) =>
          callsOf(text.replace(/\$\{[^}]*\}/g, 'x')).map((args) => ({ args, where: `agent/${file}` })),
      ),
    );
    expect(calls.length).toBeGreaterThan(20);
    expect(await refused(calls, UNFINISHED)).toEqual([]);
  });
});

test('every script that is printed → exists and can be run', () => {
  const scripts = documents()
    .flatMap((file) => blocksOf(file, 'bash', 'sh'))
    .flatMap(({ text }) => simpleCommands(text).map(([program = '']) => program))
    .filter((program) => program.startsWith('scripts/'));
  const there = new Set(readdirSync(join(repositoryRoot, 'scripts')).map((name) => `scripts/${name}`));
  expect(scripts.filter((program) => !there.has(program))).toEqual([]);
});
