import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from '../../scripts/loopback/ports.ts';
import { describe, type Finished, shell, succeed } from './shell.ts';
import { atTerminal, type Prompt } from './terminal.ts';

export const repositoryRoot = join(import.meta.dirname, '..', '..');

/** What a user's clone needs at run time: the images are built before. */
const cloned = ['docker-compose.yml', 'compose.holdfast.yml', 'nginx', 'config', 'scripts/demo-app'];

/** Projects of ours are called so; the number is the process that started them. */
export const projectPrefix = 'holdfast-test-';

let started = 0;

export interface StackOptions {
  /** Where the clone stands inside the stack's folder: `.` for the quickstart, `holdfast` beside somebody's own compose file. */
  clone?: string;
  /** Further files, by their path in the stack's folder. */
  files?: Record<string, string>;
}

/** One compose project in a folder of its own, with names and a published port that nothing else uses. */
export class Stack {
  readonly folder: string;
  readonly clone: string;
  readonly port: number;
  private readonly env: Record<string, string>;

  static async create({ clone = '.', files = {} }: StackOptions = {}): Promise<Stack> {
    const folder = mkdtempSync(join(tmpdir(), projectPrefix));
    for (const name of cloned) {
      if (existsSync(join(repositoryRoot, name))) {
        cpSync(join(repositoryRoot, name), join(folder, clone, name), { recursive: true });
      }
    }
    mkdirSync(join(folder, clone, 'status'), { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return new Stack(folder, join(folder, clone), await freePort());
  }

  private constructor(folder: string, clone: string, port: number) {
    this.folder = folder;
    this.clone = clone;
    this.port = port;
    started += 1;
    this.env = {
      COMPOSE_PROJECT_NAME: `${projectPrefix}${process.pid}-${started}`,
      COMPOSE_PROGRESS: 'plain',
      HTTP_PORT: String(port),
    };
  }

  /** A line of shell in the project's folder, as it is printed in a runbook. */
  try(command: string, timeoutMs?: number): Promise<Finished> {
    return shell(command, { cwd: this.folder, env: this.env, timeoutMs });
  }

  /** The same, and it must exit with 0. */
  sh(command: string, timeoutMs?: number): Promise<Finished> {
    return succeed(command, { cwd: this.folder, env: this.env, timeoutMs });
  }

  /** The same at a terminal, where each answer is typed once it is asked for. */
  typed(command: string, prompts: Prompt[], timeoutMs?: number): Promise<Finished> {
    return atTerminal(command, prompts, { cwd: this.folder, env: this.env, timeoutMs });
  }

  /** What the command says on stdout, without the last newline. */
  async ask(command: string, timeoutMs?: number): Promise<string> {
    return (await this.sh(command, timeoutMs)).stdout.trimEnd();
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** Does something, and if it fails the error also tells what the containers have to say. */
  async explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { stdout } = await this.try(
        'docker compose ps --all; docker compose logs --no-color --tail 3 db; docker compose logs --no-color --tail 30 app nginx sentinel db_backup',
        30_000,
      );
      throw new Error(`${String(error)}\n--- containers\n${stdout.slice(-6000)}`, { cause: error });
    }
  }

  /** Containers, networks, volumes and the folder; never throws, so that it can stand in an afterAll. */
  async remove(): Promise<void> {
    const down = await this.try('docker compose down --volumes --remove-orphans --timeout 5', 90_000);
    if (down.code !== 0) console.error(describe(down));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
