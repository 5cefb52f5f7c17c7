import type { SourceConfig } from '../config/config.ts';

/** Why no connection came about, for the codes that the system gives; undefined for what an engine says in its own words. */
export function reasonOf(code: string): string | undefined {
  return REASONS[code];
}

/** What to type when the database of a source does not answer. */
export function unreachableHint(config: SourceConfig, code: string): string {
  if (code === 'ENOENT') return `Check the path of the socket in host of source ${config.name}.`;
  if (!UNKNOWN_NAME.has(code))
    return 'See whether the database runs (docker compose ps), then run `holdfast doctor`.';
  if (isDomain(config.host))
    return `Check the spelling of ${config.host}, and the name server of this machine.`;
  // Compose takes the name of a stopped service away: it looks as if there had never been one.
  return (
    `If ${config.host} is a service, it may be stopped, or share no network with this one: see \`docker compose ps --all\`, ` +
    `start it with \`docker compose start ${config.host}\`. If it is none, check the host of source ${config.name}.`
  );
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name cannot be resolved now',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'there is no way to that address',
  ENETUNREACH: 'there is no way to that address',
  ENOENT: 'there is no such socket',
};

const UNKNOWN_NAME = new Set(['ENOTFOUND', 'EAI_AGAIN']);

function isDomain(host: string): boolean {
  return host.includes('.');
}
