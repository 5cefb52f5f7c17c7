import { beforeAll, describe, expect, it } from 'vitest';
import { blocksOf } from '../helpers/docs.ts';
import { describe as show } from '../helpers/shell.ts';
import { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { untilOpen } from './gate.ts';
import { heartbeat, untilRepository } from './repository.ts';

/** The README's own project, its secrets in files; what its containers may do, and whether they say when they are not well. */
let stack: Stack;
const secrets = { database: 'sesame-of-the-database', repository: 'sesame-of-the-repository' };

const inside = (service: string, script: string) =>
  stack.try(`docker compose exec -T ${service} sh -c '${script}'`);
const told = async (service: string, script: string) => {
  const finished = await inside(service, script);
  expect(finished.code, show(finished)).toBe(0);
  return finished.stdout.trimEnd();
};
const inspect = async (service: string) =>
  (
    JSON.parse(await stack.ask(`docker inspect $(docker compose ps --all --quiet ${service})`)) as Container[]
  )[0]!;

interface Container {
  State: { Health?: { Status: string }; ExitCode: number };
  Config: { User: string; Hostname: string; StopTimeout?: number };
  HostConfig: {
    ReadonlyRootfs: boolean;
    CapAdd: string[] | null;
    CapDrop: string[];
    SecurityOpt: string[];
    Privileged: boolean;
    Init: boolean;
    Memory: number;
    PidsLimit: number;
    LogConfig: { Type: string; Config: Record<string, string> };
    PortBindings: Record<string, unknown>;
  };
  Mounts: { Destination: string; RW: boolean }[];
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
}

/** Command lines of a container's processes, one a line. */
const processes = 'for one in /proc/[0-9]*/cmdline; do tr "\\0" " " <$one; echo; done 2>/dev/null';
/** Ids of the processes whose command line matches; the dot in brackets keeps the search from finding itself. */
const idsOf = (pattern: string) =>
  `for one in /proc/[0-9]*; do ! tr "\\0" " " <$one/cmdline 2>/dev/null | grep -q "${pattern}" || echo "\${one#/proc/}"; done`;
const daemon = 'main[.]ts run';
const lockHolder = 'run[.]lock';

/** Over TCP: the socket also leads to the server that the image starts to initialize itself, and ends a moment later. */
const psql = (sql: string) => `docker compose exec -T db psql -h 127.0.0.1 -qAt -U shop -d shop -c "${sql}"`;

beforeAll(async () => {
  const [readme] = blocksOf('README.md', 'yaml').filter(({ marks }) => marks.includes('compose'));
  stack = await Stack.create({
    clone: 'holdfast',
    files: {
      'compose.yml': readme!.text
        .replace('- holdfast/compose.holdfast.yml', '- path: [holdfast/compose.holdfast.yml, often.yml]')
        .replace('your/shop', 'nginx:1.28')
        .replace('postgres:18', 'postgres:18-trixie'),
      'often.yml': `services:
  db_backup: { healthcheck: { interval: 3s, retries: 2 } }
  sentinel: { healthcheck: { interval: 2s, timeout: 2s, retries: 2 } }
  nginx: { healthcheck: { interval: 2s } }
`,
      'db-password': secrets.database,
      'holdfast/config/database-url': `postgresql://shop:${secrets.database}@db/shop\n`,
      'holdfast/config/restic-password': `${secrets.repository}\n`,
      'holdfast/.env': `DATABASE_URL_FILE=/etc/holdfast/database-url
RESTIC_PASSWORD_FILE=/etc/holdfast/restic-password
GATE_UPSTREAM=app:80
BACKUP_CRON='*/5 * * * * *'
`,
    },
  });
  return () => stack.remove();
});

beforeAll(() =>
  stack.explained(async () => {
    await stack.sh('docker compose up -d', 240_000);
    await until('the database answers', async () => (await stack.try(psql('SELECT 1'))).code === 0);
    await stack.sh(psql('CREATE TABLE orders AS SELECT n FROM generate_series(1, 500) AS n'));
    await untilRepository(stack);
    await until('a backup is made by schedule', async () => heartbeat(stack) !== null);
  }),
);

describe('secrets that are given by files', () => {
  it('stand on no command line, while a dump is under way', async () => {
    await stack.sh(
      `docker compose exec -d db psql -U shop -d shop -c "BEGIN; LOCK TABLE orders; SELECT pg_sleep(600)"`,
    );
    const seen = await until('a dump waits for the table', async () => {
      const { stdout } = await inside('db_backup', processes);
      return /pg_dump [\s\S]*restic|restic [\s\S]*pg_dump/.test(stdout) && stdout;
    });
    await stack.sh(
      psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()",
      ),
    );
    expect(seen).not.toMatch(/sesame/);
  });

  it('stand in no log, in nothing that docker inspect shows, and not in the state folder', async () => {
    await stack.sh('docker compose exec -T db_backup holdfast doctor');
    const log = await stack.ask('docker compose logs --no-color');
    expect(log).toMatch(/backup succeeded/);
    expect(log).not.toMatch(/sesame/);
    expect(await stack.ask('docker inspect $(docker compose ps --all --quiet)')).not.toMatch(/sesame/);
    expect((await inside('db_backup', 'ls /var/lib/holdfast')).stdout).toMatch(/^ledger\.db$/m);
    const found = await inside('db_backup', 'grep -r sesame /var/lib/holdfast /status /var/cache/restic');
    expect(found.code, show(found)).toBe(1);
  });
});

describe('what a container may do', () => {
  it.each([
    {
      service: 'db_backup',
      uid: '1000',
      writes: ['/repository', '/status', '/tmp', '/var/cache/restic', '/var/lib/holdfast'],
    },
    { service: 'sentinel', uid: '1000', writes: ['/state'] },
    { service: 'nginx', uid: '101', writes: ['/etc/nginx/conf.d', '/run', '/tmp', '/var/cache/nginx'] },
  ])(
    '$service: user $uid, without a capability, on a file system that is read-only but for what it needs',
    async ({ service, uid, writes }) => {
      expect(await told(service, 'id -u')).toBe(uid);
      const status = await told(service, 'cat /proc/1/status');
      expect(status).toMatch(new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s+${uid}\\s+${uid}$`, 'm'));
      for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'])
        expect(status).toMatch(new RegExp(`^Cap${set}:\\s+0+$`, 'm'));
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
      const everywhere = 'find / -xdev -type d 2>/dev/null; cut -d" " -f2 /proc/mounts';
      const tried = await told(
        service,
        `for one in $(${everywhere}); do case $one in /proc*|/sys*|/dev*) continue ;; esac; (: >$one/.written) 2>/dev/null && rm $one/.written && echo $one; done; true`,
      );
      expect([...new Set(tried.split('\n'))].sort()).toEqual(writes);

      const { Config, HostConfig, Mounts, State } = await inspect(service);
      expect(HostConfig).toMatchObject({
        ReadonlyRootfs: true,
        Privileged: false,
        Init: true,
        CapAdd: null,
        CapDrop: ['ALL'],
      });
      expect(HostConfig.SecurityOpt).toContain('no-new-privileges:true');
      expect(HostConfig.Memory).toBeGreaterThan(64e6);
      expect(HostConfig.PidsLimit).toBeGreaterThan(10);
      expect(HostConfig.LogConfig).toMatchObject({
        Type: 'json-file',
        Config: { 'max-size': '10m', 'max-file': '3' },
      });
      expect(Mounts.filter(({ Destination }) => Destination.includes('docker'))).toEqual([]);
      expect(Object.keys(HostConfig.PortBindings)).toEqual(service === 'nginx' ? ['80/tcp'] : []);
      expect(State.Health).toBeDefined();
      if (service === 'db_backup') expect(Config).toMatchObject({ Hostname: 'holdfast', StopTimeout: 120 });
    },
  );

  it('the folders were opened by a container that has ended, and had no network', async () => {
    const { State, HostConfig, NetworkSettings } = await inspect('holdfast_folders');
    expect(State.ExitCode).toBe(0);
    expect(HostConfig.CapAdd).toEqual(['CHOWN', 'FOWNER']);
    expect(Object.keys(NetworkSettings.Networks)).toEqual(['none']);
  });

  it('the sentinel and nginx reach no database; the agent does', async () => {
    const knows = async (service: string) => (await inside(service, 'timeout 2 getent hosts db')).code === 0;
    const [network] = Object.values((await inspect('db')).NetworkSettings.Networks);
    const address = network!.IPAddress;
    expect(address).toMatch(/^\d+\./);
    const connect = `node -e "require(\\"node:net\\").connect(5432, \\"${address}\\").on(\\"connect\\", () => process.exit(0)).on(\\"error\\", () => process.exit(1)).setTimeout(2000, () => process.exit(2))"`;

    expect(await knows('db_backup')).toBe(true);
    expect((await inside('db_backup', connect)).code).toBe(0);
    for (const service of ['sentinel', 'nginx']) expect(await knows(service)).toBe(false);
    expect([1, 2]).toContain((await inside('sentinel', connect)).code);
    // 7: refused, 28: no answer.
    const curl = `curl -s --connect-timeout 2 telnet://${address}:5432`;
    expect([7, 28]).toContain((await inside('nginx', curl)).code);
    await told('nginx', 'curl -fsS http://app/');
  });

  it('the network of the sentinel has no way out, and nginx alone is on it too', async () => {
    const networks = Object.keys((await inspect('sentinel')).NetworkSettings.Networks);
    expect(networks).toEqual([expect.stringMatching(/_holdfast_gate$/)]);
    const [gate] = JSON.parse(await stack.ask(`docker network inspect ${networks[0]}`)) as [
      { Internal: boolean; Containers: Record<string, { Name: string }> },
    ];
    expect(gate.Internal).toBe(true);
    const members = Object.values(gate.Containers).map(({ Name }) => /-(\w+)-1$/.exec(Name)?.[1]);
    expect(members.sort()).toEqual(['nginx', 'sentinel']);
  });

  it('the sentinel cannot write into the status folder, and has no restic, no clients and no drivers', async () => {
    const written = await inside('sentinel', ': >/status/last_ok');
    expect(written.code).not.toBe(0);
    expect(written.stderr).toMatch(/Read-only file system/);
    const clients = ['restic', 'pg_dump', 'psql', 'mysql', 'mysqldump', 'mariadb-dump', 'ssh'];
    const here = (service: string) =>
      told(service, `for one in ${clients.join(' ')}; do command -v $one || true; done`);
    expect(await here('sentinel')).toBe('');
    expect((await here('db_backup')).split('\n').length).toBeGreaterThan(2);
    const libraries = (await told('sentinel', 'ls /opt/holdfast/node_modules')).split('\n');
    expect(libraries).toContain('pino');
    expect(libraries.filter((name) => ['mysql2', 'pg', 'execa'].includes(name))).toEqual([]);
  });
});

describe('health', () => {
  const untilHealth = (service: string, wanted: string, timeoutMs?: number) =>
    until(
      `${service} is ${wanted}`,
      async () => (await inspect(service)).State.Health?.Status === wanted,
      timeoutMs,
    );
  const untilTold = (words: string) =>
    until(
      `holdfast health tells "${words}"`,
      async () => {
        const { code, stdout } = await inside('db_backup', 'holdfast health');
        return code === 1 && stdout.includes(words) && stdout;
      },
      90_000,
    );
  const signal = (name: string, service: string, pattern: string) =>
    stack.sh(`docker compose exec -T ${service} sh -c 'kill -${name} $(${idsOf(pattern)})'`);

  it('everything that runs is healthy', async () => {
    await untilOpen(stack);
    for (const service of ['db_backup', 'sentinel', 'nginx']) await untilHealth(service, 'healthy');
    expect(await told('db_backup', 'holdfast health')).toMatch(/^healthy: .*next backup 20/);
    // From here on nothing begins any more: somebody holds the run lock. The last test waits for what comes of that.
    const hold = `const lock = new (require("node:sqlite").DatabaseSync)("/var/lib/holdfast/run.lock", { timeout: 60000 }); lock.exec("BEGIN EXCLUSIVE"); setInterval(() => undefined, 1e6)`;
    await stack.sh(`docker compose exec -d db_backup node -e '${hold}'`);
  });

  it('a sentinel that does not answer is unhealthy', async () => {
    await signal('STOP', 'sentinel', 'sentinel/main[.]ts');
    await untilHealth('sentinel', 'unhealthy');
    await signal('CONT', 'sentinel', 'sentinel/main[.]ts');
    await untilHealth('sentinel', 'healthy');
  });

  it('an agent whose scheduler stands still is unhealthy', async () => {
    await signal('STOP', 'db_backup', daemon);
    expect(await untilTold('and not since')).toMatch(/^UNHEALTHY: the scheduler looked at the clock at 20/);
    await untilHealth('db_backup', 'unhealthy');
    await signal('CONT', 'db_backup', daemon);
  });

  it('an agent whose due run did not happen is unhealthy, and well again when it runs', async () => {
    expect(await untilTold('was due at')).toMatch(/^UNHEALTHY: backup was due at 20\S+Z and has not run$/m);
    await untilHealth('db_backup', 'unhealthy');
    await signal('TERM', 'db_backup', lockHolder);
    await untilHealth('db_backup', 'healthy');
  });
});
