import { mkdir } from 'node:fs/promises';
import type { SourceConfig } from '../../config/config.ts';
import { HoldfastError } from '../../core/errors.ts';
import type { Engine } from '../../core/glossary.ts';
import { humanBytes } from '../../core/units.ts';
import { whyNoAnswer } from '../answers.ts';
import { createSource, type SourceDeps } from '../create.ts';
import type { ScratchNeed, ScratchPlace, ScratchServer } from '../scratch.ts';
import type { Probe, Source } from '../source.ts';
import { DEFAULT_TOOLS } from '../tools.ts';
import { bytesNeeded, freeBytesOf, makeFolder, removeFolder, requireRoom, SPARE_BYTES } from './folder.ts';
import { giveTo, unprivileged, type Running } from './launch.ts';
import { findMysql } from './mysql.ts';
import { findPostgres } from './postgres.ts';
import type { Kind } from './kind.ts';

export interface ThrowawayDeps extends SourceDeps {
  /** Where throw-away servers have their folders, one each. */
  throwawayDir: string;
  /** How much room a folder has; the disk is asked when left out. */
  freeBytes?: (path: string) => Promise<number>;
}

/**
 * A server of the agent's own for one verification, of the version that the dump came from: on a socket that nobody else reaches, with
 * nothing flushed to the disk, and gone with all that it wrote when it is closed or the agent dies.
 * `open` throws `tool_missing` where the server's programs are not installed, and `failed` where it has no room or does not start.
 */
export function createThrowaway(source: Source, config: SourceConfig, deps: ThrowawayDeps): ScratchPlace {
  return { open: (need, signal) => open(source, config, deps, need, signal) };
}

const ENGINES: Engine[] = ['mysql', 'mariadb', 'postgres'];
const WATCH_EVERY_MS = 1_000;

async function open(
  source: Source,
  config: SourceConfig,
  deps: ThrowawayDeps,
  need: ScratchNeed,
  signal: AbortSignal,
): Promise<ScratchServer> {
  const probe = await source.probe(signal).catch((error: unknown) => {
    // What it would tell, the dump may tell too.
    if (signal.aborted) throw error;
    return null;
  });
  const kind = await find(config, deps, fitting(config, need, probe), signal);
  const { throwawayDir: root, freeBytes = freeBytesOf } = deps;
  await mkdir(root, { recursive: true });
  const databaseBytes = need.databaseBytes ?? probe?.databaseBytes ?? null;
  const needed = bytesNeeded({ databaseBytes, dumpBytes: need.dumpBytes });
  requireRoom(root, await freeBytes(root), needed);

  const folder = await makeFolder(root);
  try {
    const user = await unprivileged(kind.users);
    await giveTo(user, [folder]);
    const { running, server } = await kind.start({ folder, user, extensions: need.extensions }, signal);
    return opened(server, running, { called: `a throw-away ${kind.called}`, folder, freeBytes });
  } catch (error) {
    await removeFolder(folder).catch(() => undefined);
    throw error;
  }
}

function opened(
  server: Source,
  running: Running,
  about: { called: string; folder: string; freeBytes: (path: string) => Promise<number> },
): ScratchServer {
  const { called, folder, freeBytes } = about;
  let tight: string | null = null;
  const look = async () => {
    const free = await freeBytes(folder);
    if (free >= SPARE_BYTES / 2) return;
    tight ??= `the disk of ${folder} had only ${humanBytes(free)} left`;
    await running.stop();
  };
  // Once it has gone, or cannot be asked, there is nothing to be kept from filling.
  const timer = setInterval(() => void look().catch(() => undefined), WATCH_EVERY_MS);
  timer.unref();
  const close = async () => {
    clearInterval(timer);
    await running.stop();
    // What cannot be removed now, the next run sweeps.
    await removeFolder(folder).catch(() => undefined);
  };
  const known = () => {
    const ended = running.ended();
    return tight ?? (ended === null ? null : `${called} ended by itself (${ended})`);
  };
  const trouble = async () => {
    if (known() !== null) return known();
    // A connection breaks a moment before the end of the server is known.
    const why = await whyNoAnswer(server);
    return known() ?? (why === null ? null : `${called} does not answer any more`);
  };
  return { server, own: false, called, trouble, close };
}

function find(
  config: SourceConfig,
  deps: ThrowawayDeps,
  fits: { engine: Engine; serverVersion: string },
  signal: AbortSignal,
): Promise<Kind> {
  const tools = { ...DEFAULT_TOOLS, ...deps.tools };
  const with_ = {
    processes: deps.processes,
    tools,
    createSource: (one: SourceConfig) => createSource(one, deps),
  };
  return config.type === 'postgres'
    ? findPostgres(config, with_, fits.serverVersion, signal)
    : findMysql(config, with_, fits, signal);
}

function fitting(
  config: SourceConfig,
  need: ScratchNeed,
  probe: Probe | null,
): { engine: Engine; serverVersion: string } {
  const engine = ENGINES.find((one) => one === need.engine) ?? probe?.engine ?? null;
  const serverVersion = need.serverVersion ?? probe?.serverVersion ?? null;
  const isPostgres = engine === 'postgres';
  if (engine !== null && isPostgres !== (config.type === 'postgres')) {
    throw new HoldfastError(
      'client_mismatch',
      `the snapshot is of ${engine}, and the source ${config.name} is not`,
    );
  }
  if (engine !== null && serverVersion !== null) return { engine, serverVersion };
  throw new HoldfastError(
    'source_unreachable',
    `nobody knows which server the dump of ${config.name} came from: it has no proof, and the source does not answer`,
    { hint: 'Start the database of the source, then verify again.' },
  );
}
