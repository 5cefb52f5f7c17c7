import { describeError } from '../../core/errors.ts';

/** What became of databases or schemas that restores have replaced. */
export interface Dropped {
  /** Their names. */
  dropped: string[];
  /** Those that are still there, as sentence parts with the name and the cause; they stay noted. */
  failures: string[];
}

/** Drops each by itself: one that cannot be dropped keeps none of the others. `drop` says whether there was anything. Throws where it is to stop. */
export async function dropEach(
  names: string[],
  drop: (name: string) => Promise<boolean>,
  signal: AbortSignal,
): Promise<Dropped> {
  const dropped: string[] = [];
  const failures: string[] = [];
  for (const name of names) {
    try {
      if (await drop(name)) dropped.push(name);
    } catch (error) {
      signal.throwIfAborted();
      const { message } = describeError(error);
      failures.push(message.includes(name) ? message : `${name} is not dropped: ${message}`);
    }
  }
  return { dropped, failures };
}
