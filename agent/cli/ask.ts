import { createInterface } from 'node:readline/promises';
import { HoldfastError } from '../core/errors.ts';

/** Asks a person at the terminal to type a word; throws `usage` for another one, `interrupted` for none. */
export async function askFor(word: string, why: string, signal: AbortSignal): Promise<void> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`${why}\nType ${word} to go on: `, { signal });
    if (answer.trim() !== word) {
      throw new HoldfastError('usage', 'the word does not match; nothing was changed');
    }
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError('interrupted', 'nothing was changed', { cause: error });
  } finally {
    prompt.close();
  }
}
