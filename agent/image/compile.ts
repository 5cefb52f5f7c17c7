import { globSync } from 'node:fs';
import { join } from 'node:path';

// Runs while the image is built: reads every file of the agent, so that what node makes of it is kept (NODE_COMPILE_CACHE). In a
// container, which may write nothing, a file that is only read when it is asked for would be compiled each time.
const agent = join(import.meta.dirname, '..');
const files = globSync('**/*.ts', { cwd: agent, exclude: ['main.ts', 'image/**'] });
for (const file of files) await import(join(agent, file));
await Promise.all(['mysql2/promise', 'pg'].map((driver) => import(driver)));
