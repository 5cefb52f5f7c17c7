import { z } from 'zod';

const seconds = (fallback: number, least: number) =>
  z
    .string()
    .default(String(fallback))
    .transform((text, context) => {
      const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= least) return value;
      context.addIssue(`expected whole seconds, at least ${least}, got "${text}"`);
      return z.NEVER;
    });

const port = z
  .string()
  .default('8080')
  .transform((text, context) => {
    const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= 1 && value <= 65535) return value;
    context.addIssue(`expected a port from 1 to 65535, got "${text}"`);
    return z.NEVER;
  });

/** Every variable of the sentinel, with its default. */
const variables = z.object({
  /** The file that decides; `status.json` stands beside it. */
  SENTINEL_HEARTBEAT_PATH: z.string().default('/status/last_ok'),
  /** The oldest heartbeat that is still fresh: 26 hours, a day and room for a slow night. */
  SENTINEL_THRESHOLD_SECONDS: seconds(93_600, 1),
  /** How long the gate is open before the first backup, counted from the first boot ever; 0 for not at all. */
  SENTINEL_BOOT_GRACE_SECONDS: seconds(86_400, 0),
  SENTINEL_PORT: port,
  /** The address to listen on. */
  SENTINEL_HOST: z.string().default('0.0.0.0'),
  /** Where the first boot is remembered. */
  SENTINEL_STATE_DIR: z.string().default('/state'),
  /** `observe`: the gate is always open, and says what it would have done. */
  SENTINEL_MODE: z
    .string()
    .default('enforce')
    .transform((text, context) => {
      if (text === 'enforce' || text === 'observe') return text;
      context.addIssue(`expected enforce or observe, got "${text}"`);
      return z.NEVER;
    }),
});

export type Mode = 'enforce' | 'observe';

export interface Settings {
  heartbeatPath: string;
  thresholdSeconds: number;
  graceSeconds: number;
  port: number;
  host: string;
  stateFolder: string;
  mode: Mode;
}

/**
 * The sentinel's settings out of an environment, or every problem with it, one line each.
 *
 * An empty variable counts as unset, as compose passes it. A `SENTINEL_` variable that is none of ours is a
 * problem too: a mistyped threshold that nobody reads would keep the gate open for longer than was asked.
 */
export function readSettings(environment: Record<string, string | undefined>): Settings | string[] {
  const given = Object.entries(environment).filter(([name, value]) => name.startsWith('SENTINEL_') && value);
  const read = variables.safeParse(Object.fromEntries(given));
  const problems = [
    ...(read.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`),
    ...given.filter(([name]) => !(name in variables.shape)).map(([name]) => unknownVariable(name)),
  ];
  if (!read.success || problems.length > 0) return problems;

  return {
    heartbeatPath: read.data.SENTINEL_HEARTBEAT_PATH,
    thresholdSeconds: read.data.SENTINEL_THRESHOLD_SECONDS,
    graceSeconds: read.data.SENTINEL_BOOT_GRACE_SECONDS,
    port: read.data.SENTINEL_PORT,
    host: read.data.SENTINEL_HOST,
    stateFolder: read.data.SENTINEL_STATE_DIR,
    mode: read.data.SENTINEL_MODE,
  };
}

function unknownVariable(name: string): string {
  return `${name}: unknown; expected one of ${Object.keys(variables.shape).join(', ')}`;
}
