import { mkdirSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect } from 'vitest';
import type { TestAgent } from './agent.ts';
import { stepsOf, type Mark } from './documented.ts';
import { POSTGRES_ROOT, postgresMajors } from './postgres.ts';
import { describe, shell, type Finished } from './shell.ts';
import { repositoryRoot } from './stack.ts';
import { atTerminal } from './terminal.ts';

/** What has to come of a line that a document prints. */
export interface Expected {
  /** What a reader has done before, of which the document prints nothing. */
  before?: () => Promise<unknown>;
  /** What a reader puts in of his own: words of the line, and what stands for them. */
  own?: () => Promise<Record<string, string>> | Record<string, string>;
  /** What is typed when the line asks for the name of what it overwrites. */
  typed?: string;
  environment?: Record<string, string>;
  check: (finished: Finished) => unknown;
}

/**
 * Types the blocks with a mark, line by line in their order, in the folder of an agent: `holdfast` is scripts/holdfast, `scripts/…`
 * those of the repository, `psql` and the like are those of the newest server. Each line has to exit with 0, and every line must
 * have something expected of it.
 */
export async function follow(
  agent: TestAgent,
  mark: Mark,
  expected: Record<string, Expected>,
): Promise<void> {
  const lines = stepsOf(mark).flatMap(({ script }) => script.trim().split('\n').slice(1));
  const commands = lines.map((line) => line.replace(/ +#.*$/, ''));
  expect(commands).toEqual(Object.keys(expected));
  const env = environmentOf(agent);
  for (const [command, { before, own, typed, environment, check }] of Object.entries(expected)) {
    await before?.();
    const words = Object.entries((await own?.()) ?? {});
    const line = words.reduce((text, [printed, mine]) => {
      expect(text).toContain(printed);
      return text.replace(printed, mine);
    }, command);
    const options = { cwd: agent.folder, env: { ...env, ...environment } };
    const asked = { asks: /to go on: /, answer: typed ?? '' };
    const finished = await (typed === undefined ? shell(line, options) : atTerminal(line, [asked], options));
    expect(finished.code, describe(finished)).toBe(0);
    await check(finished);
  }
}

function environmentOf(agent: TestAgent): Record<string, string> {
  const bin = join(agent.folder, 'bin');
  mkdirSync(bin);
  symlinkSync(join(repositoryRoot, 'scripts/holdfast'), join(bin, 'holdfast'));
  symlinkSync(join(repositoryRoot, 'scripts'), join(agent.folder, 'scripts'));
  const postgres = join(POSTGRES_ROOT, String(postgresMajors()[0]), 'bin');
  return { ...agent.environment, PATH: [bin, postgres, agent.environment['PATH']].join(delimiter) };
}
