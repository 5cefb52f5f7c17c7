import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Step } from '../helpers/documented.ts';
import { describe as show, type Finished } from '../helpers/shell.ts';
import type { Stack } from '../helpers/stack.ts';

/** `sudo` for root, on a machine that has none. */
const SUDO = 'command -v sudo >/dev/null || sudo() { "$@"; }';

/**
 * Types a step of a document in the stack's folder; fails unless it exits as it has to. `own` are the words that a reader puts in of
 * his own. What it asks for by name is typed as the document says; what it reads without an echo is `secret`.
 */
export async function take(
  stack: Stack,
  { script, exit, typed }: Step,
  { own = [], secret = '' }: { own?: [string, string][]; secret?: string } = {},
): Promise<Finished> {
  const text = own.reduce((words, [printed, mine]) => words.replaceAll(printed, mine), script);
  writeFileSync(join(stack.folder, 'step.sh'), `${SUDO}\n${text}`);
  const asked = { asks: /to go on: /, answer: typed ?? '' };
  const run = () => {
    if (typed !== null) return stack.typed('bash step.sh', [asked]);
    return stack.try(script.includes('read -rs') ? `bash step.sh <<<'${secret}'` : 'bash step.sh');
  };
  const finished = await stack.explained(run);
  expect(finished.code, show(finished)).toBe(exit);
  return finished;
}
