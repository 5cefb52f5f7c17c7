import { defineConfig } from 'vitest/config';

/** The layers of `scripts/test`. Unit tests take seconds; the others start real servers and wait for conditions, not for time. */
const layer = (name: string, more: { testTimeout: number; maxWorkers: number; globalSetup?: string[] }) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    hookTimeout: 300_000,
    sequence: { concurrent: false },
    ...more,
  },
});

export default defineConfig({
  test: {
    projects: [
      layer('unit', { testTimeout: 30_000, maxWorkers: 2 }),
      layer('component', { testTimeout: 60_000, maxWorkers: 2 }),
      layer('integration', { testTimeout: 300_000, maxWorkers: 3 }),
      layer('faults', { testTimeout: 600_000, maxWorkers: 2 }),
      layer('compose', { testTimeout: 240_000, maxWorkers: 2, globalSetup: ['test/compose/setup.ts'] }),
    ],
  },
});
