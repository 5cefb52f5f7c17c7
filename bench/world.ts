import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchOptions } from './options.ts';
import { startMariadbEngine, startPostgresEngine, type Engine, type EngineName } from './servers.ts';
import { writeShop } from './shop-data.ts';
import { sh, type Variables } from './timed.ts';

/** A restic repository on this disk, and the agent's folders beside it. */
export interface Place {
  folder: string;
  /** What a person's restic needs. */
  restic: Variables;
  /** What the agent needs, without the database. */
  agent: Variables;
  remove(): void;
}

/** Everything that rows share: servers that start when first asked for, one folder that is removed at the end. */
export interface World {
  readonly options: BenchOptions;
  /** PATH, HOME and nothing else. */
  readonly base: Variables;
  readonly folder: string;
  /** The server with its database loaded. */
  engine(name: EngineName): Promise<Engine>;
  /** Those that were started. */
  engines(): Promise<Engine[]>;
  /** An empty repository, the same one every time. */
  place(): Promise<Place>;
  say(text: string): void;
  close(): Promise<void>;
}

const RESTIC_PASSWORD = 'bench-password';
const MEGABYTE = 1_000_000;

export function createWorld(options: BenchOptions, path: string): World {
  // Servers run as users of their own and pass through here.
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  chmodSync(folder, 0o755);
  const base = { PATH: path, HOME: folder, LANG: 'C.UTF-8' };
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const engines = new Map<EngineName, Promise<Engine>>();
  let template: Promise<string> | null = null;
  let places = 0;

  const start = async (name: EngineName) => {
    say(`starting ${name} and loading ${options.megabytes} MB …`);
    const engine = await (name === 'mariadb' ? startMariadbEngine : startPostgresEngine)(folder, path);
    const data = mkdtempSync(join(folder, 'data-'));
    const tables = writeShop(data, options.megabytes * MEGABYTE, 1);
    chmodSync(data, 0o755);
    await engine.create(tables);
    rmSync(data, { recursive: true });
    return engine;
  };
  const makeTemplate = async () => {
    const repository = join(folder, 'template');
    await sh('restic init', { ...base, ...resticOf(repository, join(folder, 'template-cache')) });
    return repository;
  };

  return {
    options,
    base,
    folder,
    say,
    engine: (name) => {
      const known = engines.get(name) ?? start(name);
      engines.set(name, known);
      return known;
    },
    engines: () => Promise.all(engines.values()),
    place: async () => {
      const from = await (template ??= makeTemplate());
      const here = join(folder, `place-${(places += 1)}`);
      mkdirSync(here);
      const repository = join(here, 'repository');
      await sh(`cp -R '${from}' '${repository}'`, base);
      mkdirSync(join(here, 'status'));
      const restic = resticOf(repository, join(here, 'cache'));
      return {
        folder: here,
        restic: { ...base, ...restic },
        agent: {
          ...base,
          ...restic,
          HOLDFAST_STATE_DIR: agentState({ folder: here }),
          HOLDFAST_STATUS_DIR: join(here, 'status'),
          HOLDFAST_CONFIG: '',
        },
        remove: () => rmSync(here, { recursive: true, force: true }),
      };
    },
    close: async () => {
      const started = await Promise.allSettled(engines.values());
      for (const engine of started) if (engine.status === 'fulfilled') await engine.value.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The agent's state folder in a place. */
export function agentState({ folder }: Pick<Place, 'folder'>): string {
  return join(folder, 'state');
}

/** A place for one piece of work, gone after it. */
export async function inPlace<T>(world: World, work: (place: Place) => Promise<T>): Promise<T> {
  const place = await world.place();
  try {
    return await work(place);
  } finally {
    place.remove();
  }
}

function resticOf(repository: string, cache: string): Variables {
  return {
    RESTIC_REPOSITORY: repository,
    RESTIC_PASSWORD: RESTIC_PASSWORD,
    RESTIC_CACHE_DIR: cache,
    RESTIC_PROGRESS_FPS: '0.2',
  };
}
