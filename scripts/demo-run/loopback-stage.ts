import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import { stringify } from 'yaml';
import { type Child, type ChildOptions, startChild } from '../loopback/child.ts';
import { startMariadb } from '../loopback/mariadb.ts';
import { startNginx } from '../loopback/nginx.ts';
import { freePort } from '../loopback/ports.ts';
import { startSentinel } from '../loopback/sentinel.ts';
import { isListening, waitUntil } from '../loopback/wait.ts';
import { type DemoRecord, root } from './record.ts';
import type { Answer, SetUpStep, Stage } from './stage.ts';

const COMMAND_TIMEOUT_MS = 120_000;
const DATABASE = 'orders_tracker';
const AGENT = { user: 'holdfast', password: 'not a secret' };
const SHOP = { user: 'orders', password: 'no secret either' };

/** Without Docker: the same agent, sentinel, nginx and shop as processes on loopback, with a MariaDB of their own. */
export class LoopbackStage implements Stage {
  readonly description = 'plain processes on loopback';
  readonly database = DATABASE;
  readonly statusFolder: string;
  siteUrl = '';
  sentinelUrl: string | null = null;

  private readonly folder: string;
  private readonly record: DemoRecord;
  private readonly signal: AbortSignal;
  private databasePort = 0;
  private shopPort = 0;

  constructor(folder: string, record: DemoRecord, signal: AbortSignal) {
    this.folder = folder;
    this.record = record;
    this.signal = signal;
    this.statusFolder = join(folder, 'status');
    this.made('log');
  }

  readonly setUp: SetUpStep[] = [
    { title: 'Start a private MariaDB', logs: ['mariadb'], run: () => this.startDatabase() },
    { title: 'Open a small shop on it', logs: ['shop'], run: () => this.startShop() },
    { title: 'Start the daemon, holdfast run', logs: ['daemon'], run: () => this.startDaemon() },
  ];

  get toTry() {
    return {
      first: [`cd ${root}`, `export HOLDFAST_CONFIG=${this.configPath}`],
      commands: [
        'scripts/holdfast status',
        'scripts/holdfast backup        # opens the gate',
        `scripts/holdfast restore ${DATABASE} --to ${DATABASE}_2`,
      ],
    };
  }

  async holdfast(args: string[]): Promise<Answer> {
    const run = await execa(process.execPath, [join(root, 'agent/main.ts'), ...args], {
      env: this.agentEnvironment(),
      extendEnv: false,
      cwd: this.folder,
      reject: false,
      stdin: 'ignore',
      timeout: COMMAND_TIMEOUT_MS,
      cancelSignal: this.signal,
    });
    return { code: run.exitCode ?? 1, stdout: run.stdout, stderr: run.stderr };
  }

  typed(args: string[]): string {
    return ['holdfast', ...args].join(' ');
  }

  async query(sql: string): Promise<string[][]> {
    const connection = await mysql.createConnection({
      ...AGENT,
      host: '127.0.0.1',
      port: this.databasePort,
      connectTimeout: 5_000,
    });
    try {
      const [rows] = await connection.query<RowDataPacket[][]>({ sql, rowsAsArray: true });
      return rows.map((row) => row.map(String));
    } finally {
      connection.destroy();
    }
  }

  async log(name: string): Promise<string> {
    const path = this.logPath(name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  private get configPath(): string {
    return join(this.folder, 'holdfast.yml');
  }

  private logPath(name: string): string {
    return join(this.folder, 'log', `${name}.log`);
  }

  private async startDatabase(): Promise<string> {
    const server = await startMariadb({
      ...this.child('mariadb'),
      folder: join(this.folder, 'mariadb'),
      init: [
        `CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4`,
        `CREATE USER ${SHOP.user}@'%' IDENTIFIED BY '${SHOP.password}'`,
        `GRANT ALL ON ${DATABASE}.* TO ${SHOP.user}@'%'`,
        `CREATE USER ${AGENT.user}@'%' IDENTIFIED BY '${AGENT.password}'`,
        `GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, PROCESS, RELOAD, BINLOG MONITOR, SET USER ON *.* TO ${AGENT.user}@'%'`,
        `GRANT ALL ON \`${DATABASE.replaceAll('_', '\\_')}%\`.* TO ${AGENT.user}@'%'`,
        `GRANT ALL ON \`holdfast\\_%\`.* TO ${AGENT.user}@'%'`,
      ],
    });
    this.databasePort = server.port;
    const [[version = '']] = (await this.query('SELECT VERSION()')) as [string[]];
    return `${version.replace(/-.*/, '')} on port ${server.port}`;
  }

  private async startShop(): Promise<string> {
    const port = await freePort();
    const environment = {
      PATH: process.env['PATH'],
      SHOP_HOST: '127.0.0.1',
      SHOP_PORT: String(port),
      MYSQL_HOST: '127.0.0.1',
      MYSQL_PORT: String(this.databasePort),
      MYSQL_DATABASE: DATABASE,
      MYSQL_USER: SHOP.user,
      MYSQL_PASSWORD: SHOP.password,
    };
    const shop = this.start('shop', join(root, 'scripts/demo-app/server.ts'), [], environment);
    await waitUntil('the shop to open', () => this.lives(shop, 'the shop') && isListening(port), 30);
    this.shopPort = port;
    const [[customers, orders] = []] = await this.query(
      `SELECT (SELECT COUNT(*) FROM ${DATABASE}.customers), (SELECT COUNT(*) FROM ${DATABASE}.orders)`,
    );
    return `${customers} customers, ${orders} orders, a view and a trigger`;
  }

  private async startDaemon(): Promise<string> {
    this.configure();
    const daemon = this.start('daemon', join(root, 'agent/main.ts'), ['run'], this.agentEnvironment());
    let id = '';
    await waitUntil(
      'the daemon to have its repository',
      () => {
        const lines = this.lives(daemon, 'the daemon') ? logLines(daemon.output()) : [];
        const wrong = lines.find(({ level }) => level === 'error');
        if (wrong !== undefined) throw new Error(`the daemon says: ${wrong.msg}\n${wrong.hint ?? ''}`);
        id = lines.find((line) => line.id !== undefined)?.id ?? '';
        return id !== '';
      },
      60,
    );
    return `it made the repository ${id.slice(0, 10)} and its password`;
  }

  async startGate(thresholdSeconds: number): Promise<void> {
    const sentinel = await startSentinel({
      heartbeatPath: join(this.statusFolder, 'last_ok'),
      stateFolder: this.made('sentinel'),
      thresholdSeconds,
      ...this.child('sentinel'),
    });
    this.sentinelUrl = `http://${sentinel.address}/`;
    const nginx = await startNginx({
      prefix: this.made('nginx'),
      sentinel: sentinel.address,
      app: `127.0.0.1:${this.shopPort}`,
      ...this.child('nginx'),
    });
    this.siteUrl = `${nginx.url}/`;
  }

  /** The file that somebody with several sources writes; here it names one, and private folders for everything. */
  private configure(): void {
    const config = {
      host: 'holdfast-demo',
      status_dir: this.made('status'),
      state_dir: this.made('state'),
      repository: {
        location: join(this.folder, 'repository'),
        cache_dir: this.made('cache'),
        restic: process.env['HOLDFAST_RESTIC'] ?? 'restic',
      },
      // Only when somebody asks: a backup by schedule would open the gate while the demo waits for it to close.
      schedule: { backup: '0 3 1 1 *', verify: '0 5 1 1 *' },
      sources: [{ type: 'mysql', host: '127.0.0.1', port: this.databasePort, database: DATABASE, ...AGENT }],
    };
    writeFileSync(this.configPath, stringify(config), { mode: 0o600 });
  }

  private agentEnvironment() {
    return { PATH: process.env['PATH'], HOME: process.env['HOME'], HOLDFAST_CONFIG: this.configPath };
  }

  private start(name: string, script: string, args: string[], environment: NodeJS.ProcessEnv): Child {
    return startChild(process.execPath, [script, ...args], environment, this.child(name));
  }

  /** Its output goes into a file, and it is on record before it has done anything. */
  private child(name: string): ChildOptions {
    return { log: this.logPath(name), onStart: (pid) => this.record.add(name, pid) };
  }

  private lives(child: Child, name: string): boolean {
    this.signal.throwIfAborted();
    if (!child.isRunning()) throw new Error(`${name} ended (exit ${child.exitCode()})`);
    return true;
  }

  private made(name: string): string {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }
}

interface LogLine {
  level?: string;
  msg?: string;
  hint?: string;
  /** The repository's. */
  id?: string;
}

/** The whole lines of a log in JSON; the last one may still be in the writing. */
function logLines(text: string): LogLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}
