import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mariadb, postgres } from '../helpers/engines.ts';
import type { TestServer } from '../helpers/server.ts';
import type { Area } from './fault.ts';
import { seed } from './seed.ts';
import { setStage } from './stage.ts';

/** The rows of an area as tests: each on a stage of its own, judged by the oracle. The page finds their results by these titles. */
export function runFaults({ title, faults }: Area): void {
  beforeAll(() => console.info(`${title}: the places are those of HOLDFAST_SEED=${seed}`));
  const engines = [mariadb, postgres].filter((engine) => faults.some(({ on }) => on.includes(engine)));
  describe.each(engines)(`${title}, $name`, (engine) => {
    let server: TestServer;
    beforeAll(async () => {
      server = await engine.start();
    });
    afterAll(() => server.stop());

    for (const fault of faults.filter(({ on }) => on.includes(engine))) {
      test(fault.name, async () => {
        const stage = await setStage(engine, server, fault.name, fault.stage);
        await fault.inject(stage);
        expect(stage.oracle.injected, 'how often it was injected').toBe(fault.times);
        await stage.oracle.close(fault.next ?? 'backup', { planted: fault.leavesPlanted === true });
      });
    }
  });
}
