import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes an executable shell script and returns its path: for the faults that a real program will not produce on demand. */
export function fakeProgram(folder: string, name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/bash\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}
