import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestServer } from './server.ts';

/**
 * Puts an extension of plain SQL where a server looks for them, under a name that nobody else has, until `remove`. That folder is the
 * installation's own: it takes the rights of whoever installed the server.
 */
export async function installExtension(
  server: TestServer,
  sql: string,
): Promise<{ name: string; remove(): void }> {
  const [row] = await server.sql(`SELECT setting FROM pg_config() WHERE name = 'SHAREDIR'`);
  const folder = join(String(row?.setting), 'extension');
  const name = `holdfast_test_${process.pid}_${(number += 1)}`;
  const [control, script] = [join(folder, `${name}.control`), join(folder, `${name}--1.0.sql`)];
  const remove = () => {
    rmSync(control, { force: true });
    rmSync(script, { force: true });
  };
  writeFileSync(control, "default_version = '1.0'\n");
  writeFileSync(script, sql);
  return { name, remove };
}

let number = 0;
