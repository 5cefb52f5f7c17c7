export type Mode = 'enforce' | 'observe';

export interface Settings {
  /** The file that decides; the others of the status folder stand beside it. */
  heartbeatPath: string;
  /** The oldest heartbeat that is still fresh. */
  thresholdSeconds: number;
  /** The oldest verification that still counts; 0 when verifications do not gate. */
  verifyThresholdSeconds: number;
  /** How long the gate is open before the first backup, counted from the first boot ever; 0 for not at all. */
  graceSeconds: number;
  port: number;
  /** The address to listen on. */
  host: string;
  /** Where the first boot is remembered. */
  stateFolder: string;
  /** `observe`: the gate is always open, and says what it would have done. */
  mode: Mode;
}

/**
 * The sentinel's settings out of an environment, or every problem with it, one line each.
 *
 * An empty variable counts as unset, as compose passes it. A `SENTINEL_` variable that is none of ours is a
 * problem too: a mistyped threshold that nobody reads would keep the gate open for longer than was asked.
 */
export function readSettings(environment: Record<string, string | undefined>): Settings | string[] {
  const problems: string[] = [];
  const known: string[] = [];
  const take = <T>(name: string, fallback: T, read: (given: string) => T): T => {
    known.push(name);
    const given = environment[name];
    if (given === undefined || given === '') return fallback;
    try {
      return read(given);
    } catch (error) {
      problems.push(`${name}: expected ${(error as Unexpected).expected}, got "${given}"`);
      return fallback;
    }
  };

  const settings: Settings = {
    heartbeatPath: take('SENTINEL_HEARTBEAT_PATH', '/status/last_ok', text),
    // 26 hours: a day, and room for a slow night.
    thresholdSeconds: take('SENTINEL_THRESHOLD_SECONDS', 93_600, seconds(1)),
    verifyThresholdSeconds: take('SENTINEL_VERIFY_THRESHOLD_SECONDS', 0, seconds(0)),
    graceSeconds: take('SENTINEL_BOOT_GRACE_SECONDS', 86_400, seconds(0)),
    port: take('SENTINEL_PORT', 8080, wholeNumber('a port from 1 to 65535', 1, 65_535)),
    host: take('SENTINEL_HOST', '0.0.0.0', text),
    stateFolder: take('SENTINEL_STATE_DIR', '/state', text),
    mode: take('SENTINEL_MODE', 'enforce', mode),
  };
  const unknown = Object.entries(environment).filter(
    ([name, given]) => name.startsWith('SENTINEL_') && given && !known.includes(name),
  );
  problems.push(...unknown.map(([name]) => `${name}: unknown; expected one of ${known.join(', ')}`));
  return problems.length > 0 ? problems : settings;
}

class Unexpected extends Error {
  readonly expected: string;

  constructor(expected: string) {
    super(`expected ${expected}`);
    this.expected = expected;
  }
}

const text = (given: string) => given;

const seconds = (least: number) => wholeNumber(`whole seconds, at least ${least}`, least, 9_999_999_999);

function wholeNumber(what: string, least: number, most: number) {
  return (given: string): number => {
    const value = /^\d{1,10}$/.test(given) ? Number(given) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new Unexpected(what);
  };
}

function mode(given: string): Mode {
  if (given === 'enforce' || given === 'observe') return given;
  throw new Unexpected('enforce or observe');
}
