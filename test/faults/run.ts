import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestEngine } from '../helpers/engines.ts';
import type { TestServer } from '../helpers/server.ts';
import { outliving, releaseAll, type Release } from '../helpers/when-over.ts';
import type { Fault } from './fault.ts';
import { seed } from './seed.ts';
import { makeSetting, setStage, type Setting } from './stage.ts';
import { AREAS } from './table.ts';

/**
 * The rows of the table as tests on one engine, judged by the oracle; the page finds their results by these titles. A row goes on in
 * the setting of one before it that wanted the same, once that has been left as it was found: the good run after one fault is the
 * good backup before the next.
 */
export function runFaults(engine: TestEngine): void {
  let server: TestServer;
  const releases: Release[] = [];
  const settings = new Map<string, Setting>();
  beforeAll(async () => {
    console.info(`${engine.name}: the places are those of HOLDFAST_SEED=${seed}`);
    server = await engine.start();
  });
  afterAll(async () => {
    await releaseAll(releases);
    await server.stop();
  });

  const injected = async (fault: Fault) => {
    const key = keyOf(fault);
    const setting =
      settings.get(key) ?? (await outliving(releases, () => makeSetting(engine, server, fault.stage)));
    // Until it is seen to be good again, nobody goes on with it.
    settings.delete(key);
    const stage = setStage(setting, fault.name);
    await fault.inject(stage);
    expect(stage.oracle.injected, 'how often it was injected').toBe(fault.times);
    await stage.oracle.close(fault.next ?? 'backup', { planted: fault.leavesPlanted === true });
    if (fault.changesStage !== true && fault.leavesPlanted !== true) settings.set(key, setting);
  };
  for (const { title, faults } of AREAS) {
    const here = faults.filter(({ on }) => on.includes(engine));
    if (here.length === 0) continue;
    describe(title, () => {
      for (const fault of here) test(fault.name, () => injected(fault));
    });
  }
}

function keyOf({ stage = {} }: Fault): string {
  return JSON.stringify({ ...stage, tapOn: String(stage.tapOn) });
}
