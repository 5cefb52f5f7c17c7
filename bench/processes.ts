import { readdirSync, readFileSync } from 'node:fs';

/** Everything that a process has started, and what that has started. */
function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    // The name in brackets may hold anything; the parent is the second field behind it.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (stat !== '') parents.set(Number(name), parent);
  }
  const found: number[] = [];
  for (const pid of parents.keys()) {
    for (let up = parents.get(pid); up !== undefined && up > 1; up = parents.get(up)) {
      if (up === root) {
        found.push(pid);
        break;
      }
    }
  }
  return found;
}

/** The `restic backup` below a process, once it runs. */
export function resticBelow(root: number): number | null {
  const found = descendants(root).find((pid) => {
    const [program = '', verb = ''] = read(`/proc/${pid}/cmdline`).split('\0');
    return /(^|\/)restic$/.test(program) && verb === 'backup';
  });
  return found ?? null;
}

/** Bytes that a process has read so far, from pipes and files alike. */
export function bytesRead(pid: number): number {
  return Number(/^rchar: (\d+)/.exec(read(`/proc/${pid}/io`))?.[1] ?? 0);
}

/** Kilobytes by name: `VmRSS` now, `VmHWM` the most that it ever was. Null when the process is gone. */
export function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number | null {
  const value = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`))?.[1];
  return value === undefined ? null : Number(value);
}

/** Processor time that a process and everything that it has started have taken so far; Linux counts in hundredths. */
export function cpuSeconds(root: number): number {
  return [root, ...descendants(root)].reduce((sum, pid) => {
    const stat = read(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
  }, 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
