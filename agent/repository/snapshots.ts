import type { z } from 'zod';
import { HoldfastError } from '../core/errors.ts';
import { PART_KINDS, type PartKind } from '../core/glossary.ts';
import { STAGING } from '../core/staging.ts';
import { snapshotsMessage, type snapshotMessage } from './messages.ts';
import type { Restic } from './restic.ts';
import type { Snapshot, SnapshotFilter, SnapshotTags } from './repository.ts';

const LIST_TIMEOUT_MS = 120_000;

/** The tags as restic takes them: one argument each, so that no comma in a name can split one. */
export function tagArguments(tags: SnapshotTags): string[] {
  return tagTexts(tags).flatMap((tag) => ['--tag', tag]);
}

/** A `--tag` whose parts must all be there; of several tenants one for each. Empty for no filter. */
export function filterArguments({ tenants, ...filter }: SnapshotFilter): string[] {
  const wanted = [
    ...(filter.source === undefined ? [] : [`source=${encode(filter.source)}`]),
    ...(filter.kind === undefined ? [] : [`kind=${filter.kind}`]),
  ];
  if (tenants !== undefined) {
    return tenants.flatMap((tenant) => ['--tag', [...wanted, `tenant=${encode(tenant)}`].join(',')]);
  }
  return wanted.length === 0 ? [] : ['--tag', wanted.join(',')];
}

/** Every snapshot of the host, of any for null, oldest first. Takes no lock, so that it answers during a prune. */
export async function listSnapshots(
  restic: Restic,
  host: string | null,
  filter: SnapshotFilter,
  signal: AbortSignal,
): Promise<Snapshot[]> {
  const ofHost = host === null ? [] : ['--host', host];
  const args = ['snapshots', '--json', '--no-lock', ...ofHost, ...filterArguments(filter)];
  const { stdout } = await restic.run(args, { timeoutMs: LIST_TIMEOUT_MS, signal });
  const parsed = snapshotsMessage.safeParse(JSON.parse(stdout === '' ? '[]' : stdout));
  if (!parsed.success)
    throw new HoldfastError('repository_failed', 'restic listed its snapshots in an unknown form', {
      cause: parsed.error,
    });
  return parsed.data.map(toSnapshot).toSorted((a, b) => a.time.localeCompare(b.time));
}

export function toSnapshot(message: z.infer<typeof snapshotMessage>): Snapshot {
  return {
    id: message.id,
    shortId: message.short_id,
    originalId: message.original ?? message.id,
    time: new Date(message.time).toISOString(),
    host: message.hostname,
    path: pathIn(message.paths[0] ?? ''),
    tags: readTags(message.tags ?? []),
    bytes: message.summary?.total_bytes_processed ?? null,
  };
}

/** Of staged files restic keeps where they lay on the disk. */
function pathIn(path: string): string {
  const at = path.lastIndexOf(`/${STAGING}/`);
  return at === -1 ? path : path.slice(at + STAGING.length + 1);
}

function tagTexts(tags: SnapshotTags): string[] {
  return [
    `source=${encode(tags.source)}`,
    `engine=${tags.engine}`,
    `kind=${tags.kind}`,
    ...(tags.tenant === undefined ? [] : [`tenant=${encode(tags.tenant)}`]),
    ...(tags.group === undefined ? [] : [`group=${encode(tags.group)}`]),
  ];
}

function readTags(tags: string[]): SnapshotTags | null {
  const value = (name: string) => tags.find((tag) => tag.startsWith(`${name}=`))?.slice(name.length + 1);
  const [source, engine, kind] = [value('source'), value('engine'), value('kind')];
  if (source === undefined || engine === undefined || !isPartKind(kind)) return null;
  const [tenant, group] = [value('tenant'), value('group')];
  return {
    source: decodeURIComponent(source),
    engine,
    kind,
    ...(tenant === undefined ? {} : { tenant: decodeURIComponent(tenant) }),
    ...(group === undefined ? {} : { group: decodeURIComponent(group) }),
  };
}

function isPartKind(kind: string | undefined): kind is PartKind {
  return PART_KINDS.some((known) => known === kind);
}

/** restic splits tags at commas, takes off space at their ends, and has no escape; `%` is the escape's own sign. */
function encode(name: string): string {
  return name.replaceAll('%', '%25').replaceAll(',', '%2C').replace(/\s+$/, encodeURIComponent);
}
