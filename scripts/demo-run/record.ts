import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { waitUntil } from '../loopback/wait.ts';

interface Recorded {
  pid: number;
  /** With the number alone, a process that came later could be taken for ours. */
  startedAt: string | null;
  name: string;
}

interface Contents {
  demo: Recorded;
  kept: boolean;
  folder: string;
  composeProject: string | null;
  processes: Recorded[];
}

const END_SECONDS = 20;
const CALM_ROUNDS = 3;
const CALM_MS = 100;
const COMPOSE_DOWN_MS = 120_000;

export const root = resolve(import.meta.dirname, '../..');

/** One clone has one demo at a time; two clones do not know of each other. */
function cloneIdOf(folder: string): string {
  return createHash('sha256').update(folder).digest('hex').slice(0, 8);
}

export const composeProjectOf = (folder: string) => `holdfast-demo-${cloneIdOf(folder)}`;

/** What the demo of this clone has started, on disk, so that it can be ended whatever becomes of the demo itself. */
export class DemoRecord {
  private readonly contents: Contents;
  private ending = false;

  static create(folder: string, composeProject: string | null): DemoRecord {
    const record = new DemoRecord({
      demo: recorded('the demo', process.pid),
      kept: false,
      folder,
      composeProject,
      processes: [],
    });
    record.save();
    return record;
  }

  static find(): DemoRecord | null {
    if (!existsSync(path())) return null;
    return new DemoRecord(JSON.parse(readFileSync(path(), 'utf8')) as Contents);
  }

  private constructor(contents: Contents) {
    this.contents = contents;
  }

  /** `running`: its demo is at work; `kept`: left running on purpose; `left`: its demo was killed. */
  get state(): 'running' | 'kept' | 'left' {
    if (this.contents.kept) return 'kept';
    return isAlive(this.contents.demo) ? 'running' : 'left';
  }

  /** A process that comes when the end has begun is ended at once. */
  add(name: string, pid: number): void {
    if (this.ending) kill(pid, 'SIGKILL');
    this.contents.processes.push(recorded(name, pid));
    this.save();
  }

  keep(): void {
    this.contents.kept = true;
    this.save();
  }

  /** Ends all processes, the last started first. Each is told before. */
  async endProcesses(tell: (what: string) => void): Promise<void> {
    this.ending = true;
    const { composeProject, folder, processes } = this.contents;
    for (const process of processes.toReversed()) {
      if (!isAlive(process)) continue;
      tell(process.name);
      await endProcess(process);
    }
    for (const pid of strangersIn(folder)) await endProcess(recorded('what the demo had just started', pid));
    if (composeProject === null) return;
    tell('the containers');
    await composeDown(composeProject, folder);
  }

  /** Forgets everything: nothing that is on record runs any more. */
  async removeTraces(): Promise<void> {
    // What a killed process had started may write for a moment longer, and make the folder anew.
    for (let calm = 0; calm < CALM_ROUNDS; calm = existsSync(this.contents.folder) ? 0 : calm + 1) {
      rmSync(this.contents.folder, { recursive: true, force: true, maxRetries: 5 });
      await pause(CALM_MS);
    }
    rmSync(path(), { force: true });
  }

  private save(): void {
    mkdirSync(dirname(path()), { recursive: true });
    // Whole or not at all: whoever reads it may come after a kill -9.
    writeFileSync(`${path()}.part`, JSON.stringify(this.contents, null, 2));
    renameSync(`${path()}.part`, path());
  }
}

/** With what it has started: each of ours leads a group of its own. */
async function endProcess(recorded: Recorded): Promise<void> {
  const { name, pid } = recorded;
  kill(pid, 'SIGTERM');
  try {
    await waitUntil(`${name} to end`, () => !isAlive(recorded) && !hasGroup(pid), END_SECONDS);
  } catch {
    kill(pid, 'SIGKILL');
    await waitUntil(`${name} to be killed`, () => !isAlive(recorded), END_SECONDS);
  }
}

/** Processes that were started on the demo's folder, and of which a demo that was killed had not yet made a note. */
function strangersIn(folder: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = /^\d+$/.test(name) ? Number(name) : process.pid;
    return pid !== process.pid && !isZombie(pid) && tellsOf(pid).includes(`${folder}/`) ? [pid] : [];
  });
}

/** Its command line and its environment; empty where it is gone, or not ours to ask. */
function tellsOf(pid: number): string {
  try {
    return ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8')).join('\0');
  } catch {
    return '';
  }
}

/** Whether anything of that group still runs. */
function hasGroup(pid: number): boolean {
  return readdirSync('/proc').some((name) => {
    const [state, , group] = /^\d+$/.test(name) ? statOf(Number(name)) : [];
    return group === String(pid) && state !== 'Z';
  });
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has just ended by itself.
  }
}

async function composeDown(project: string, folder: string): Promise<void> {
  const args = ['compose', '-p', project, 'down', '--volumes', '--remove-orphans', '--timeout', '10'];
  await execa('docker', args, {
    cwd: existsSync(folder) ? folder : root,
    timeout: COMPOSE_DOWN_MS,
    stdin: 'ignore',
  });
}

function recorded(name: string, pid: number): Recorded {
  return { name, pid, startedAt: startOf(pid) };
}

function isAlive({ pid, startedAt }: Recorded): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return startOf(pid) === startedAt && !isZombie(pid);
}

/** The kernel's own note of when a process started; null where there is no /proc. */
const startOf = (pid: number) => statOf(pid)[19] ?? null;

/** Ended, and not yet asked after by its parent: some containers have nobody who does that for orphans. */
const isZombie = (pid: number) => statOf(pid)[0] === 'Z';

/** The fields of /proc/PID/stat that follow the program's name, which stands in brackets and may hold anything. */
function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

function path(): string {
  const cache = process.env['HOLDFAST_CACHE'];
  if (cache === undefined) throw new Error('start it as scripts/demo');
  return join(cache, 'demo', `${cloneIdOf(root)}.json`);
}
