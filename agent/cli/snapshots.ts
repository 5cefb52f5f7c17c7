import type { Command } from 'commander';
import { pickByName } from '../config/pick.ts';
import { humanBytes } from '../core/units.ts';
import { otherHosts } from '../jobs/find-snapshot.ts';
import type { Snapshot } from '../repository/repository.ts';
import type { Context } from './context.ts';

export function addSnapshots(program: Command, context: Context): void {
  program
    .command('snapshots')
    .description('list the snapshots, oldest first')
    .argument('[source]', 'only those of one source')
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .addHelpText('after', '\nExamples:\n  holdfast snapshots\n  holdfast snapshots shop --json')
    .action(async (source: string | undefined, options: { json?: boolean }) => {
      const { config, repository } = await context.access();
      if (source !== undefined && config.sources.length > 0) pickByName(config.sources, [source]);
      await repository.reach(context.signal);
      const snapshots = (
        await repository.list(source === undefined ? {} : { source }, context.signal)
      ).toSorted(dumpsFirst);
      if (options.json) return context.print.json(snapshots);
      if (snapshots.length === 0) {
        const hosts = await repository.hosts(source === undefined ? {} : { source }, context.signal);
        const others = otherHosts(hosts, source ?? null);
        return context.print.line(
          `no snapshots of the host ${config.host} yet: \`holdfast backup\` makes one, and HOLDFAST_HOST names another host${others === null ? '' : `. ${others}`}`,
        );
      }
      context.print.table(
        ['ID', 'TIME (UTC)', 'SOURCE', 'KIND', 'SIZE', 'PATH'],
        snapshots.map((snapshot) => [
          snapshot.shortId,
          snapshot.time.slice(0, 19) + 'Z',
          snapshot.tags?.source ?? '-',
          snapshot.tags?.kind ?? '-',
          snapshot.bytes === null ? '-' : humanBytes(snapshot.bytes),
          snapshot.path,
        ]),
      );
    });
}

/** Of one second the dump stands first: its proof has its time, cut to the second. */
function dumpsFirst(one: Snapshot, other: Snapshot): number {
  const second = one.time.slice(0, 19).localeCompare(other.time.slice(0, 19));
  return second !== 0 ? second : rank(one) - rank(other);
}

function rank({ tags }: Snapshot): number {
  return tags?.kind === 'proof' ? 1 : 0;
}
