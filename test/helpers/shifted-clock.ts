import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeProgram } from './fake-program.ts';
import { temporaryFolder } from './folder.ts';
import { repositoryRoot } from './stack.ts';

/** A wall clock for an agent and its restic that a test can set while they run. */
export interface ShiftedClock {
  /** What makes an agent live by it. */
  readonly environment: Record<string, string>;
  /** Sets it; it goes on from there. */
  setTo(time: Date): void;
  now(): Date;
}

export function shiftedClock(): ShiftedClock {
  const folder = temporaryFolder();
  const file = join(folder, 'shift');
  let shift = 0;
  const set = (milliseconds: number) => {
    shift = Math.round(milliseconds);
    // Read at any moment: never an empty file.
    writeFileSync(`${file}.new`, String(shift));
    renameSync(`${file}.new`, file);
  };
  set(0);
  return {
    environment: {
      TZ: 'UTC',
      SHIFTED_CLOCK: file,
      NODE_OPTIONS: `--import=${join(repositoryRoot, 'test/fixtures/clock/shifted.ts')}`,
      // restic is another program, and asks the machine.
      HOLDFAST_RESTIC: fakeProgram(
        folder,
        'shifted-restic',
        `if [ "$1" = backup ]; then
           set -- "$@" --time "$(date --utc --date="@$(($(date +%s) + $(cat '${file}') / 1000))" '+%F %T')"
         fi
         exec restic "$@"`,
      ),
    },
    setTo: (time) => set(time.getTime() - Date.now()),
    now: () => new Date(Date.now() + shift),
  };
}
