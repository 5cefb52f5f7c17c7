import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync, utimesSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** Everything that git holds and a user runs or builds from. */
const HELD = [
  ...['.dockerignore', 'compose.holdfast.yml', 'docker-compose.yml', 'package.json', 'package-lock.json'],
  ...['agent', 'nginx', 'scripts', 'sentinel', 'test/images', 'config/README.md', 'status/.gitkeep'],
];

/** A copy of this clone as it is now, with the libraries that are installed here already. */
export function copyClone(folder: string): void {
  for (const name of HELD) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  // Older than what is installed, or the scripts would take the libraries for outdated.
  utimesSync(join(folder, 'package-lock.json'), 0, 0);
}

/** Command lines of processes that have this text in their command line, a file that they are started in or their folder. */
export function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(text));
}
