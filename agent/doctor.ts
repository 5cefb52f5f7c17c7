import { accessSync, constants, mkdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { App } from './app.ts';
import { HoldfastError, describeError } from './core/errors.ts';
import { counted, humanBytes } from './core/units.ts';
import { ensureRepository, hadRepository } from './jobs/init.ts';
import { aheadOf } from './jobs/newest.ts';
import { scratchPrefix } from './jobs/verify/scratch.ts';
import { strangersIn, strangerWords } from './jobs/strangers.ts';
import type { Probe, Source } from './sources/source.ts';

export interface Finding {
  subject: string;
  state: 'ok' | 'warning' | 'failed';
  detail: string;
  hint: string | null;
}

/** Everything that would make the first night fail, looked at beforehand. Each finding is told as soon as it is known. */
export async function examine(
  app: App,
  signal: AbortSignal,
  tell: (finding: Finding) => void,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const look = async (subject: string, action: () => Finding[] | Promise<Finding[]>) => {
    const found = await Promise.resolve()
      .then(action)
      .catch((error: unknown) => [{ subject, state: 'failed' as const, ...detailOf(error) }]);
    for (const finding of found) tell(finding);
    findings.push(...found);
  };
  await look('configuration', () => examineConfiguration(app));
  await look('clock', () => examineClock(app));
  await look('state folder', () =>
    examineFolder('state folder', app.config.stateDir, 'HOLDFAST_STATE_DIR', app.config.spoolBytes),
  );
  await look('status folder', () =>
    examineFolder('status folder', app.config.statusDir, 'HOLDFAST_STATUS_DIR', 0),
  );
  await look('repository', () => examineRepository(app, signal));
  await look('space', () => examineSpace(app));
  for (const source of app.sources) await look(source.name, () => examineSource(app, source, signal));
  return findings;
}

function examineConfiguration({ config }: App): Finding[] {
  const hint =
    'Look at what is in effect with `holdfast config`, and at docs/configuration.md for every name.';
  return config.warnings.map((detail) => ({ subject: 'configuration', state: 'warning', detail, hint }));
}

function examineClock({ clock, config }: App): Finding[] {
  const now = clock.now();
  const local = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'medium',
    timeZone: config.timeZone,
  }).format(now);
  const ok = now.getUTCFullYear() >= 2026;
  return [
    {
      subject: 'clock',
      state: ok ? 'ok' : 'failed',
      detail: `${local} in ${config.timeZone}`,
      hint: ok
        ? null
        : 'Set the clock of this machine; backups with wrong times are kept and removed by a wrong calendar.',
    },
  ];
}

async function examineFolder(
  subject: string,
  path: string,
  variable: string,
  wantedBytes: number,
): Promise<Finding[]> {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
  } catch {
    return [
      {
        subject,
        state: 'failed',
        detail: `${path} is not writable`,
        hint: `Mount it read-write; ${variable} names it.`,
      },
    ];
  }
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  const tight = free < wantedBytes;
  return [
    {
      subject,
      state: tight ? 'warning' : 'ok',
      detail: `${path} is writable, ${humanBytes(free)} free`,
      hint: tight
        ? `The spool may take ${humanBytes(wantedBytes)}: free space, or lower HOLDFAST_SPOOL_BYTES.`
        : null,
    },
  ];
}

async function examineRepository(app: App, signal: AbortSignal): Promise<Finding[]> {
  const version = await app.repository.toolVersion(signal);
  const restic: Finding = { subject: 'restic', state: 'ok', detail: version, hint: null };
  return [restic, ...(await examineOpening(app, signal))];
}

async function examineOpening(app: App, signal: AbortSignal): Promise<Finding[]> {
  const { location } = app.repository;
  const first = !hadRepository(app.repository, app.ledger);
  const id = await ensureRepository(app.repository, app.ledger, signal)
    .then((found) => found.id)
    .catch((error: unknown) => {
      // Before the first backup there is none, and that keeps nothing from working.
      if (error instanceof HoldfastError && error.kind === 'repository_absent' && first) return null;
      throw error;
    });
  if (id === null) {
    const hint = 'Check the location; the first `holdfast backup` makes it, and so does `holdfast init`.';
    return [{ subject: 'repository', state: 'warning', detail: `there is none at ${location} yet`, hint }];
  }
  const reminder = app.passwordReminder();
  return [
    { subject: 'repository', state: 'ok', detail: `${location} answers, id ${id.slice(0, 10)}`, hint: null },
    reminder === null
      ? { subject: 'password', state: 'ok', detail: 'it opens the repository', hint: null }
      : {
          subject: 'password',
          state: 'warning',
          detail: 'generated, and not confirmed as stored elsewhere',
          hint: reminder,
        },
    ...(await examineSnapshots(app, signal)),
  ];
}

const MOST_IDS = 5;

/** What stands in the repository under our names and makes "the newest" doubtful: times of a wrong clock, and another server's dumps. */
async function examineSnapshots(
  { repository, ledger, clock, config }: App,
  signal: AbortSignal,
): Promise<Finding[]> {
  const subject = 'snapshots';
  const snapshots = await repository.list({}, signal);
  const names = config.sources.map(({ name }) => name);
  const ahead = aheadOf(snapshots, clock.now()).filter(({ tags }) => names.includes(tags?.source ?? ''));
  const newest = ahead.at(-1);
  const ids = ahead.slice(0, MOST_IDS).map(({ shortId }) => shortId);
  const more = ahead.length > MOST_IDS ? `, and ${ahead.length - MOST_IDS} more` : '';
  return [
    ...(newest === undefined
      ? []
      : [
          {
            subject,
            state: 'warning' as const,
            detail: `${counted(ahead.length, 'snapshot')} with a time that has not come yet, by a clock that was wrong: ${ids.join(', ')}${more}`,
            hint: `Holdfast goes by its ledger, but restic's own "latest" is ${newest.shortId}, and retention counts from it. After the next good backup: \`holdfast restic -- forget ${ids.join(' ')}\`, then \`holdfast prune --accept-missing\``,
          },
        ]),
    ...names.flatMap((name) =>
      strangerWords(name, strangersIn(ledger, name, snapshots), config.host).map((detail): Finding => {
        const hint =
          'Set HOLDFAST_HOST on each of them, see docs/troubleshooting.md, "Two servers with one name". If the ledger was put back from the repository, this is over after two backups.';
        return { subject, state: 'warning', detail, hint };
      }),
    ),
  ];
}

async function examineSpace(app: App): Promise<Finding[]> {
  const { freeBytes, fullInDays, warnings } = await app.space();
  const hint =
    'Free space there or grow the disk, or keep fewer snapshots (BACKUP_KEEP_…) and run `holdfast prune`.';
  const subject = 'space';
  if (warnings.length > 0) return warnings.map((detail) => ({ subject, state: 'warning', detail, hint }));
  const room =
    freeBytes === null
      ? 'not known of a repository elsewhere'
      : `${humanBytes(freeBytes)} free for the repository`;
  const forecast =
    fullInDays === null ? '' : `, used up in ${counted(fullInDays, 'day')} at its growth of late`;
  return [{ subject, state: 'ok', detail: room + forecast, hint: null }];
}

async function examineSource(app: App, source: Source, signal: AbortSignal): Promise<Finding[]> {
  const probe = await source.probe(signal);
  const subject = source.name;
  const allowed = app.config.sources.find((config) => config.name === source.name)?.allowIncomplete ?? [];
  const size = probe.databaseBytes === null ? '' : `, about ${humanBytes(probe.databaseBytes)}`;
  return [
    {
      subject,
      state: 'ok',
      detail: `${probe.engine} ${probe.serverVersion}, ${counted(probe.tables, 'table')}${size}; dumped by ${probe.client.path} ${probe.client.version}`,
      hint: null,
    },
    ...probe.gaps.map((gap): Finding => {
      const state = allowed.includes(gap.name) ? 'warning' : 'failed';
      return {
        subject,
        state,
        detail: `a backup would be incomplete: ${gap.detail}`,
        hint: gap.mend === '' ? null : gap.mend,
      };
    }),
    ...probe.hurdles.map(({ detail, mend }): Finding => {
      return { subject, state: 'warning', detail: `it could not be restored: ${detail}`, hint: mend };
    }),
    ...probe.lacksForProof.map(({ detail, mend }): Finding => {
      return { subject, state: 'warning', detail, hint: mend };
    }),
    ...probe.warnings.map((detail): Finding => ({ subject, state: 'warning', detail, hint: null })),
    await examineScratch(app, source, probe, signal),
  ];
}

/** Verification makes a database and drops it: whether that is allowed is better known before the first Sunday. */
async function examineScratch(
  app: App,
  source: Source,
  { engine, serverVersion }: Probe,
  signal: AbortSignal,
): Promise<Finding> {
  const subject = source.name;
  try {
    const need = { engine, serverVersion, extensions: null, dumpBytes: null };
    const opened = await app.scratchPlace(source).open(need, signal);
    try {
      await tryScratch(opened.server, `${scratchPrefix(app.config.host, source.name)}doctor`, signal);
    } finally {
      await opened.close();
    }
    const on = opened.called === null ? '' : ` on ${opened.called}`;
    const detail = `scratch databases for verification can be made and dropped${on}`;
    return { subject, state: 'ok', detail, hint: null };
  } catch (error) {
    const { detail, hint } = detailOf(error);
    return { subject, state: 'warning', detail: `it cannot be verified: ${detail}`, hint };
  }
}

async function tryScratch(server: Source, scratch: string, signal: AbortSignal): Promise<void> {
  await server.dropDatabase(scratch, signal);
  await server.createDatabase(scratch, signal);
  await server.dropDatabase(scratch, signal);
}

function detailOf(error: unknown): { detail: string; hint: string | null } {
  const { message, hint } = describeError(error);
  return { detail: message, hint };
}
