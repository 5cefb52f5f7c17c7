import { appendFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { freePort } from '../loopback/ports.ts';
import { root } from './record.ts';
import type { Step } from './screen.ts';
import type { Answer, SetUpStep, Stage } from './stage.ts';
import { visit } from './visit.ts';

const COMMAND_TIMEOUT_MS = 180_000;
const BUILD_TIMEOUT_MS = 15 * 60_000;
const READY_WITHIN_MS = 180_000;
const POLL_MS = 300;
const DATABASE = 'orders_tracker';
/** Somebody's own containers keep the images that they run. */
const IMAGES = {
  HOLDFAST_AGENT_IMAGE: 'holdfast-agent:demo',
  HOLDFAST_SENTINEL_IMAGE: 'holdfast-sentinel:demo',
};

/** With Docker: the quickstart's own compose files, as a project of its own in a folder of its own. */
export class ComposeStage implements Stage {
  readonly description = 'docker compose';
  readonly database = DATABASE;
  readonly statusFolder: string;
  readonly sentinelUrl = null;
  siteUrl = '';

  private readonly folder: string;
  private readonly project: string;
  private readonly signal: AbortSignal;

  constructor(folder: string, project: string, signal: AbortSignal) {
    this.folder = folder;
    this.project = project;
    this.signal = signal;
    this.statusFolder = join(folder, 'status');
  }

  readonly setUp: SetUpStep[] = [
    { title: 'Build the images', logs: [], run: (step) => this.build(step) },
    {
      title: 'Start MySQL, and a small shop on it',
      logs: ['db', 'app'],
      run: (step) => this.startShop(step),
    },
    { title: 'Start the daemon, holdfast run', logs: ['db_backup'], run: (step) => this.startDaemon(step) },
  ];

  get toTry() {
    const agent = 'docker compose exec db_backup holdfast';
    return {
      first: [`cd ${this.folder}`],
      commands: [
        `${agent} status`,
        `${agent} backup        # opens the gate`,
        `${agent} restore ${DATABASE} --to ${DATABASE}_2`,
      ],
    };
  }

  holdfast(args: string[]): Promise<Answer> {
    return this.compose(['exec', '-T', 'db_backup', 'holdfast', ...args]);
  }

  typed(args: string[]): string {
    return ['docker compose exec db_backup holdfast', ...args].join(' ');
  }

  async query(sql: string): Promise<string[][]> {
    const client = 'MYSQL_PWD="$HOLDFAST_DB_PASSWORD" exec mysql -N -B -h127.0.0.1 -uholdfast -e "$0"';
    const { code, stdout, stderr } = await this.compose(['exec', '-T', 'db', 'sh', '-c', client, sql]);
    if (code !== 0) throw new Error(stderr);
    return stdout === '' ? [] : stdout.split('\n').map((line) => line.split('\t'));
  }

  async log(service: string): Promise<string> {
    const { stdout } = await this.compose(['logs', '--no-color', '--no-log-prefix', '--tail', '20', service]);
    return stdout;
  }

  /** Out of this clone; the project itself stands elsewhere, with none of the clone's settings, backups or status. */
  private async build(step: Step): Promise<string> {
    const args = [
      'compose',
      '--env-file',
      '/dev/null',
      '--progress',
      'plain',
      'build',
      'db_backup',
      'sentinel',
      'app',
    ];
    const build = execa('docker', args, {
      cwd: root,
      env: this.environment(),
      extendEnv: false,
      all: true,
      stdin: 'ignore',
      timeout: BUILD_TIMEOUT_MS,
      cancelSignal: this.signal,
    });
    for await (const line of build.iterable({ from: 'all' })) {
      const what = /^#\d+ \[(.*)/.exec(line)?.[1];
      if (what !== undefined) step.note(`[${what}`);
    }
    await build;
    this.settle(await freePort());
    return 'agent, sentinel and shop, as this clone has them';
  }

  /** What a user's clone has at run time, and the settings of the demo. */
  private settle(port: number): void {
    for (const name of ['docker-compose.yml', 'compose.holdfast.yml', 'nginx', 'scripts/demo-app']) {
      cpSync(join(root, name), join(this.folder, name), { recursive: true });
    }
    for (const name of ['config', 'status']) mkdirSync(join(this.folder, name));
    const images = Object.entries(IMAGES).map(([name, image]) => `${name}=${image}`);
    const settings = [
      ...images,
      `COMPOSE_PROJECT_NAME=${this.project}`,
      `HTTP_PORT=${port}`,
      // Only when somebody asks: a backup by schedule would open the gate while the demo waits for it to close.
      'BACKUP_CRON=0 3 1 1 *',
      'VERIFY_CRON=0 5 1 1 *',
    ];
    writeFileSync(join(this.folder, '.env'), `${settings.join('\n')}\n`);
    this.siteUrl = `http://127.0.0.1:${port}/`;
  }

  private async startShop(step: Step): Promise<string> {
    await this.up(step, 'db', 'app');
    const sql = `SELECT (SELECT COUNT(*) FROM ${DATABASE}.customers), (SELECT COUNT(*) FROM ${DATABASE}.orders), VERSION()`;
    const [customers, orders, version] = await this.until('the shop to open', async () => {
      const [row] = await this.query(sql);
      return row !== undefined && Number(row[1]) >= 40 ? row : null;
    });
    return `MySQL ${version}, ${customers} customers, ${orders} orders, a view and a trigger`;
  }

  private async startDaemon(step: Step): Promise<string> {
    await this.up(step, 'db_backup');
    await this.until('the daemon to have its repository', async () => {
      const { code, stderr } = await this.holdfast(['snapshots', '--json']);
      if (code !== 0) throw new Error(stderr);
      return true;
    });
    return 'it made a repository and its password, each in a volume';
  }

  async startGate(thresholdSeconds: number, step: Step): Promise<void> {
    appendFileSync(join(this.folder, '.env'), `SENTINEL_THRESHOLD_SECONDS=${thresholdSeconds}\n`);
    await this.up(step, 'sentinel', 'nginx');
    await this.until('nginx to answer', async () => (await visit(this.siteUrl)).status === 200 || null);
  }

  private async up(step: Step, ...services: string[]): Promise<void> {
    step.note(`docker compose up -d ${services.join(' ')}`);
    const { code, stderr } = await this.compose(['up', '-d', ...services]);
    if (code !== 0) throw new Error(`docker compose up ended with ${code}\n${stderr}`);
  }

  private async compose(args: string[]): Promise<Answer> {
    const run = await execa('docker', ['compose', '--progress', 'quiet', ...args], {
      cwd: this.folder,
      env: this.environment(),
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
      timeout: COMMAND_TIMEOUT_MS,
      cancelSignal: this.signal,
    });
    return { code: run.exitCode ?? 1, stdout: run.stdout, stderr: run.stderr };
  }

  private async until<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
    const deadline = Date.now() + READY_WITHIN_MS;
    for (let trouble = ''; ;) {
      this.signal.throwIfAborted();
      try {
        const answer = await ask();
        if (answer !== null) return answer;
      } catch (error) {
        trouble = `: ${error instanceof Error ? error.message : String(error)}`;
      }
      if (Date.now() > deadline) throw new Error(`waited ${READY_WITHIN_MS / 1000} s for ${what}${trouble}`);
      await pause(POLL_MS);
    }
  }

  /** Variables of this shell that compose files read (MYSQL_HOST, COMPOSE_FILE, …) are about somebody's own project. */
  private environment(): NodeJS.ProcessEnv {
    const wanted =
      /^(PATH|HOME|USER|TMPDIR|DOCKER_.*|BUILDX_.*|XDG_.*|POSTGRES_CLIENTS|SSH_AUTH_SOCK|(https?|no)_proxy)$/i;
    const own = Object.entries(process.env).filter(([name]) => wanted.test(name));
    return { ...Object.fromEntries(own), ...IMAGES };
  }
}
