import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from './server.ts';
import { until } from './until.ts';
import { whenOver } from './when-over.ts';

export interface RestServer {
  /** The location of the repository in this folder below its own. */
  location(folder: string): string;
  /** Ends it at once; what it holds stays. */
  crash(): Promise<void>;
  /** Starts it again at the same place. */
  revive(): Promise<void>;
}

/** A REST server over a folder, gone when the test is over. */
export async function startRestServer(path: string, options: string[] = []): Promise<RestServer> {
  const address = `127.0.0.1:${await freePort()}`;
  let child: ChildProcess;
  const launch = async () => {
    child = spawn('rest-server', ['--path', path, '--listen', address, '--no-auth', ...options], {
      stdio: 'ignore',
    });
    await until('the REST server answers', async () => (await fetch(`http://${address}/`)).status > 0);
  };
  whenOver(() => child.kill('SIGKILL'));
  await launch();
  return {
    location: (folder) => `rest:http://${address}/${folder}/`,
    crash: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    revive: launch,
  };
}
