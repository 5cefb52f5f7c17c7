import { defineConfig } from 'vitest/config';

/** Real engine, real containers: minutes and not milliseconds. Run by `scripts/test compose`. */
export default defineConfig({
  test: {
    name: 'compose',
    include: ['test/compose/**/*.test.ts'],
    root: '.',
    globalSetup: ['test/compose/setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // A stack is a story: each step stands on the one before.
    sequence: { concurrent: false },
    bail: 0,
    maxWorkers: 2,
    reporters: ['verbose'],
  },
});
