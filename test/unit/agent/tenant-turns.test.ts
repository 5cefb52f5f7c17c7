import { expect, onTestFinished, test } from 'vitest';
import type { Config } from '../../../agent/config/config.ts';
import type { Trigger } from '../../../agent/core/glossary.ts';
import type { Job } from '../../../agent/jobs/job.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import type { Runner } from '../../../agent/runner.ts';
import type { SchemaLoaded, Source } from '../../../agent/sources/source.ts';
import type { Tenant, Tenants } from '../../../agent/sources/tenants.ts';
import { createTenantTurns } from '../../../agent/tenant-turns.ts';
import { fakeServer, placeOf, quiet, repositoryWith } from '../../helpers/fake-verification.ts';
import { objectProof, proofOf, tableProof } from '../../helpers/proofs.ts';

const IDS = ['1', '2', '3'];
const read = (ids: string[]) =>
  proofOf({
    tables: ids.map((id) => tableProof(`t_${id}.orders`, { rows: 3 })),
    objects: ids.map((id) => objectProof('schema', `t_${id}`)),
    counters: [],
  });

/** A turn of three tenants, each too large to share a pass, of which a pass takes twenty minutes. */
async function turnBy(trigger: Trigger, ids: string[] | null = null) {
  let minutes = 0;
  const clock = { now: () => new Date(Date.UTC(2026, 10, 21, 5, minutes)) };
  const passes: string[][] = [];
  const schemas: Source['schemas'] = {
    load: async (_, names, dump) => {
      passes.push(names);
      minutes += 20;
      for await (const chunk of dump) expect(chunk.length).toBeGreaterThan(0);
      return new Map(names.map((name): [string, SchemaLoaded] => [name, { error: null, seconds: 1 }]));
    },
    prove: (_, schema) => Promise.resolve(read([schema.slice(2)])),
  };
  const { server } = fakeServer({ schemas });
  const tenants = IDS.map((id): Tenant => ({
    id,
    schema: `t_${id}`,
    active: true,
    group: null,
    bytes: 2 ** 30,
  }));
  const ledger = openLedger(':memory:', clock);
  onTestFinished(() => ledger.close());
  const jobs: Job[] = [];
  const turns = createTenantTurns({
    config: {
      ...{ role: null, host: 'holdfast', backupTimeoutSeconds: 3600 },
      sources: [
        {
          ...{ name: 'shop', type: 'postgres', proof: 'checksums' },
          tenants: { verify: { everySeconds: 86_400, budgetSeconds: 1800, schedule: '0 4 * * *' } },
        },
      ],
    } as unknown as Config,
    ...{ clock, ledger },
    repository: await repositoryWith(read(IDS)),
    tenantsOf: () =>
      ({
        find: () => Promise.resolve({ tenants, findings: [] }),
        lookUp: (id: string) => Promise.resolve(tenants.find((one) => one.id === id)),
        schemasIn: () => Promise.resolve(tenants.map(({ schema }) => schema)),
      }) as unknown as Tenants,
    scratchPlace: () => placeOf({ server }),
    runner: { run: async (all: Job[]) => (jobs.push(...all), []) } as unknown as Runner,
    upkeep: { afterVerification: () => [] },
  });
  await turns.verifyTenants([server], ids, { trigger, signal: quiet.signal });
  const [job] = jobs;
  const outcome = await job?.run(quiet);
  return { passes: passes.flat(), left: outcome?.facts.tenantsLeft };
}

test('by schedule → no pass is begun when its budget is over, and who was not reached is told', async () => {
  const { passes, left } = await turnBy('schedule');
  expect(passes).toEqual(['t_1', 't_2']);
  expect(left).toEqual([
    {
      why: 'not reached in the 30 min of a run, and first the next time',
      tenants: [{ id: '3', schema: 't_3' }],
    },
  ]);
});

test('one that was missed and is made up for → the same budget', async () => {
  expect((await turnBy('catch-up')).passes).toEqual(['t_1', 't_2']);
});

test.each([
  ['all', null, ['t_1', 't_2', 't_3']],
  ['those that are named', ['2', '1', '3'], ['t_2', 't_1', 't_3']],
])('by a command, %s → however long it takes', async (_, ids, expected) => {
  const { passes, left } = await turnBy('command', ids);
  expect(passes).toEqual(expected);
  expect(left).toEqual([]);
});
