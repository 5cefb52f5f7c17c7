import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, type ChildOptions, startChild } from './child.ts';
import { freePort } from './ports.ts';
import { isListening, waitUntil } from './wait.ts';

export interface NginxOptions extends ChildOptions {
  /** A folder of its own, made if need be: configuration, temporary files. */
  prefix: string;
  /** `host:port` of the sentinel. */
  sentinel: string;
  /** `host:port` of the app behind the gate. */
  app: string;
  /** A free one where it is left out. */
  port?: number;
  /** More directives for the server, such as gated locations of a test. */
  server?: string;
  /** What visitors get when the sentinel cannot be asked; closed where it is left out. */
  onSentinelDown?: 'closed' | 'open';
  /** Address of the name server, where the addresses above are names. */
  resolver?: string;
}

export interface RunningNginx extends Child {
  url: string;
  port: number;
}

/**
 * Starts a private nginx on loopback with the gate before the app; resolves when it listens.
 * The configuration is the very one that the containers use, with other addresses.
 */
export async function startNginx(options: NginxOptions): Promise<RunningNginx> {
  const port = options.port ?? (await freePort());
  mkdirSync(join(options.prefix, 'tmp'), { recursive: true });
  symlinkSync(gateFolder, join(options.prefix, 'holdfast'));
  const configuration = join(options.prefix, 'nginx.conf');
  writeFileSync(configuration, renderNginx({ ...options, port }));

  // Debian keeps nginx where only root's PATH looks.
  const path = [process.env['PATH'], '/usr/sbin', '/usr/local/sbin'].join(delimiter);
  const args = ['-p', options.prefix, '-c', configuration, '-e', 'stderr'];
  const child = startChild('nginx', args, { PATH: path }, options);
  await waitUntil('nginx to listen', () => {
    if (!child.isRunning()) throw new Error(`nginx ended:\n${child.output()}`);
    return existsSync(join(options.prefix, 'nginx.pid')) && isListening(port);
  });
  return { ...child, port, url: `http://127.0.0.1:${port}` };
}

/** The whole nginx.conf of a private nginx: the server of the compose project, other addresses in it. */
function renderNginx(options: NginxOptions & { port: number }): string {
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path tmp/body;
  proxy_temp_path tmp/proxy;
  fastcgi_temp_path tmp/fastcgi;
  uwsgi_temp_path tmp/uwsgi;
  scgi_temp_path tmp/scgi;
  ${renderServer(options)}
}
`;
}

function renderServer(options: NginxOptions & { port: number }): string {
  const { prefix, port, sentinel, app, resolver, server, onSentinelDown } = options;
  const replacements: [string, string][] = [
    ['default sentinel:8080;', `default ${sentinel};`],
    ['default ${GATE_UPSTREAM};', `default ${app};`],
    ['default /etc/nginx/holdfast;', `default "${gateFolder}";`],
    ['/tmp/holdfast ', `"${join(prefix, 'tmp', 'gate')}" `],
    ['${GATE_ON_SENTINEL_DOWN}', onSentinelDown ?? 'closed'],
    ['resolver 127.0.0.11 ', `resolver ${resolver ?? '127.0.0.11'} `],
    ['listen 80;', `listen 127.0.0.1:${port};\n${server ?? ''}`],
  ];
  let text = readFileSync(join(gateFolder, 'compose.conf.template'), 'utf8');
  for (const [there, here] of replacements) {
    if (text.split(there).length !== 2) throw new Error(`compose.conf.template: expected "${there}" once`);
    text = text.replace(there, () => here);
  }
  return text;
}

const gateFolder = fileURLToPath(new URL('../../nginx', import.meta.url));
