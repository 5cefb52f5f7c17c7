import type { Command } from 'commander';
import { humanBytes } from '../core/units.ts';
import { tenantGrowth } from '../reports/tenant-growth.ts';
import type { Context } from './context.ts';

export function addStats(program: Command, context: Context): void {
  program
    .command('stats')
    .description('how large the repository is')
    .option('--tenants', "how much each tenant's own dumps have added, in the last hundred runs")
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast stats\n  holdfast stats --json\n  holdfast stats --tenants',
    )
    .action(async (options: { tenants?: boolean; json?: boolean }) => {
      if (options.tenants === true) return tellTenants(context, options.json === true);
      const { repository } = await context.access();
      await repository.reach(context.signal);
      const stats = await repository.stats(context.signal);
      if (options.json) return context.print.json(stats);
      context.print.table(
        ['SNAPSHOTS', 'STORED', 'WOULD RESTORE'],
        [[String(stats.snapshots), humanBytes(stats.storedBytes), humanBytes(stats.restoreBytes)]],
      );
    });
}

async function tellTenants(context: Context, asJson: boolean): Promise<void> {
  const { ledger } = await context.app();
  const tenants = tenantGrowth(ledger);
  if (asJson) return context.print.json(tenants);
  if (tenants.length === 0) return context.print.line('no tenant was backed up by itself yet');
  context.print.table(
    ['SOURCE', 'TENANT', 'LAST RUN (UTC)', 'DUMP', 'ADDED', 'RUNS', 'ADDED IN ALL'],
    tenants.map((tenant) => [
      tenant.source,
      tenant.tenant,
      tenant.lastRun,
      humanBytes(tenant.dumpBytes),
      humanBytes(tenant.addedBytes),
      String(tenant.runs),
      humanBytes(tenant.totalAddedBytes),
    ]),
  );
}
