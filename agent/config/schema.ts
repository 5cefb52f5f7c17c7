import { z } from 'zod';
import { GAP_NAMES } from '../core/glossary.ts';
import { hasWildcard } from '../core/pattern.ts';
import { PROOF_LEVELS } from '../proof/proof.ts';
import { cronProblem } from '../scheduler.ts';
import { nearest } from './problems.ts';
import { THROW_AWAY } from './url.ts';

/*
 * The one schema of the configuration, in the shape of the YAML file; the environment form is mapped onto it. Secrets given as
 * files and database URLs are resolved before. Every message completes the sentence "<setting> is <value>; it must be …".
 */

const text = z
  .string({ error: 'text (put quotes around it when it looks like a number)' })
  .min(1, { error: 'text that is not empty' })
  // eslint-disable-next-line no-control-regex -- that is what is refused
  .regex(/^[^\0-\x1f\x7f]*$/, { error: 'text without line ends and other control characters' });

const TLS_MODES = ['off', 'preferred', 'required', 'verify'] as const;
const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/** Passwords may be empty (a database that trusts its network) and hold anything but NUL and line ends, which no client takes. */
const password = z
  .string({ error: 'text (put quotes around it when it looks like a number)' })
  .regex(/^[^\0\r\n]*$/, { error: 'text in one line' });

function whole(least: number, most: number) {
  const error = `a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `one of ${values.join(', ')}` });
}

/**
 * A strict object: an unknown key is a problem with a line for each, in the order of the issue's keys. `resolved` are keys that
 * people may write too, and that others have taken the place of before the schema looks.
 */
function group<T extends z.ZodRawShape>(shape: T, resolved: string[] = []) {
  const known = [...Object.keys(shape), ...resolved];
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownKey(key, known)).join('\n')
        : `a group of settings (${known.join(', ')})`,
  });
}

function unknownKey(key: string, known: string[]): string {
  const meant = nearest(key, known);
  return meant === null ? `no setting; there are ${known.join(', ')}` : `no setting; did you mean ${meant}?`;
}

const UNITS: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
const bytes = z
  .union([z.number(), z.string()], { error: 'a number of bytes, or 512M, 2G' })
  .transform((value, context) => {
    const [, amount, unit = ''] = /^(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?$/i.exec(String(value)) ?? [];
    const size = Math.round(Number(amount) * (UNITS[unit.toUpperCase()] ?? NaN));
    if (size >= 2 ** 20) return size;
    context.addIssue({ code: 'custom', message: 'a number of bytes, or 512M, 2G; at least 1M' });
    return z.NEVER;
  });

/** As `bytes`, and null for 0. */
const bytesOrNone = z.union([z.literal([0, '0']).transform(() => null), bytes], {
  error: 'a number of bytes, or 512M, 2G; at least 1M, or 0 for none',
});

const SECONDS: Record<string, number> = { '': 1, s: 1, m: 60, h: 3600 };
const duration = z
  .union([z.number(), z.string()], { error: 'a number of seconds, or 90s, 45m, 6h' })
  .transform((value, context) => {
    const [, amount, unit = ''] = /^(\d+) ?([smh]?)$/i.exec(String(value)) ?? [];
    const seconds = Number(amount) * (SECONDS[unit.toLowerCase()] ?? NaN);
    // setTimeout counts milliseconds in 31 bits: a longer time would fire at once.
    if (seconds >= 1 && seconds <= 7 * 86_400) return seconds;
    context.addIssue({ code: 'custom', message: 'a number of seconds, or 90s, 45m, 6h; from 1s to 168h' });
    return z.NEVER;
  });

const DAYS: Record<string, number> = { h: 1 / 24, d: 1, w: 7, '': 1 / 86_400 };
/** A longer time, in seconds, that nothing is timed by; null for 0. */
const span = z
  .union([z.number(), z.string()], { error: 'a time such as 30d, 4w or 72h, or 0 for never' })
  .transform((value, context) => {
    const [, amount, unit = ''] = /^(\d+) ?([hdw]?)$/i.exec(String(value).trim()) ?? [];
    const seconds = Math.round(Number(amount) * (DAYS[unit.toLowerCase()] ?? NaN) * 86_400);
    if (seconds === 0) return null;
    if (seconds >= 3600 && seconds <= 3660 * 86_400) return seconds;
    context.addIssue({
      code: 'custom',
      message: 'a time such as 30d, 4w or 72h, at least 1h, or 0 for never',
    });
    return z.NEVER;
  });

/** Calendar time as restic has it, `1y6m2d12h`; null for none. */
const within = z
  .union([z.number(), z.string()], { error: 'a time such as 48h, 2d or 1m15d, or 0 for none' })
  .transform((value, context) => {
    const text = String(value).trim();
    if (/^(0+[ymdh]?)*$/.test(text)) return null;
    if (/^(\d{1,4}[ymdh])+$/.test(text)) return text;
    context.addIssue({
      code: 'custom',
      message: 'a time such as 48h, 2d or 1m15d (hours, days, months, years), or 0 for none',
    });
    return z.NEVER;
  });

const cron = text.refine((value) => cronProblem(value) === null, {
  error: (issue) => `a cron expression like "0 3,15 * * *", but ${cronProblem(String(issue.input))}`,
});

const timeZone = text.refine(isTimeZone, { error: 'the name of a time zone, such as Europe/Rome or UTC' });

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** A server for scratch databases, as its URL says it, or the word for one that is started: `resolve.ts` has taken that apart. */
const standing = group({
  type: oneOf(['mysql', 'mariadb', 'postgres']),
  host: text,
  port: whole(1, 65_535).optional(),
  database: text,
  user: text,
  password,
  tls: oneOf(TLS_MODES).optional(),
  tls_ca: text.optional(),
  sslmode: oneOf(SSL_MODES).optional(),
  sslrootcert: text.optional(),
});
const server = z.discriminatedUnion('type', [group({ type: z.literal(THROW_AWAY) }), standing]);

const number = (error: string) => z.int({ error }).min(0, { error });

const query = group({
  sql: text,
  value: z
    .union([z.string(), z.number(), z.boolean(), z.null()], { error: 'text, a number, true, false or null' })
    .transform((value) => (value === null ? null : String(value)))
    .optional(),
  rows: group({
    min: number('a whole number from 0').default(0),
    max: number('a whole number from 0').nullable().default(null),
  }).optional(),
}).refine(({ value, rows }) => value !== undefined || rows !== undefined, {
  error: 'a query with what is expected: value: …, or rows: {min: …, max: …}',
});

export const keep = group({
  daily: whole(0, 10_000).default(7),
  weekly: whole(0, 10_000).default(4),
  monthly: whole(0, 10_000).default(6),
  yearly: whole(0, 10_000).default(0),
  within: within.default('2d'),
});

const sourceBase = {
  name: text.optional(),
  host: text,
  database: text,
  user: text,
  password,
  compression: oneOf(['gzip', 'zstd', 'none']).default('gzip'),
  guard: oneOf(['tables', 'size', 'off']).default('tables'),
  proof: oneOf(PROOF_LEVELS).default('checksums'),
  proof_limit: bytesOrNone.default(null),
  keep: keep.optional(),
  gates: z.boolean({ error: 'true or false' }).default(true),
  allow_incomplete: z.array(oneOf(GAP_NAMES), { error: 'a list of gaps' }).default([]),
  verify: group(
    {
      server: server.optional(),
      queries: z.array(query, { error: 'a list of queries (sql, and value or rows)' }).default([]),
    },
    ['server_file'],
  ).prefault({}),
  objectives: group({ rpo: duration.optional(), rto: duration.optional() }).prefault({}),
};

const ALSO_OF_SOURCES = ['password_file', 'url', 'url_file'];

const mysql = group(
  {
    type: z.literal(['mysql', 'mariadb']),
    ...sourceBase,
    port: whole(1, 65_535).default(3306),
    tls: oneOf(TLS_MODES).default('preferred'),
    tls_ca: text.optional(),
  },
  ALSO_OF_SOURCES,
);

/** SQL, which may take several lines. */
const statement = z
  .string({ error: 'a statement of SQL' })
  .trim()
  .min(1, { error: 'a statement of SQL' })
  .refine((sql) => !sql.includes('\0'), { error: 'a statement of SQL' });

const patterns = z.array(text, { error: 'a list of patterns, such as ["enterprise-*"]' });

const commonToAll = group({ schedule: cron });

const tenantGroup = group({
  name: text,
  match: patterns.min(1, { error: 'a list of at least one pattern, such as ["*"]' }),
  schedule: cron.optional(),
  keep: keep.optional(),
});

const tenants = group({
  schemas: text.refine(hasWildcard, { error: 'a pattern with * or ?, such as tenant_*' }).optional(),
  query: statement.optional(),
  jobs: whole(1, 64).default(2),
  timeout: duration.optional(),
  keep: keep.optional(),
  priority: patterns.default([]),
  verify: group({
    every: span.default(30 * 86_400),
    budget: duration.default(1800),
    schedule: cron.default('0 4 * * *'),
  }).optional(),
  global: commonToAll.optional(),
  groups: z.array(tenantGroup, { error: 'a list of groups (name, match, schedule, keep)' }).default([]),
  after_restore: statement.optional(),
})
  .refine(({ schemas, query }) => schemas !== undefined || query !== undefined, {
    path: ['schemas'],
    error: 'a pattern such as tenant_*, unless query finds the tenants',
  })
  .superRefine(({ groups }, context) => {
    for (const [i, { name }] of groups.entries()) {
      const first = groups.findIndex((other) => other.name === name);
      if (first === i) continue;
      context.addIssue({
        code: 'custom',
        path: ['groups', i, 'name'],
        message: `a name that no other group has, and groups[${first}] has it`,
      });
    }
  });

const role = group({
  role: text,
  sources: patterns.min(1, { error: 'a list of at least one name or pattern, such as ["*"]' }).default(['*']),
  tenants: patterns.min(1, { error: 'a list of at least one pattern, such as ["tenant_4*"]' }),
});

const postgres = group(
  {
    type: z.literal('postgres'),
    ...sourceBase,
    port: whole(1, 65_535).default(5432),
    sslmode: oneOf(SSL_MODES).default('prefer'),
    sslrootcert: text.optional(),
    format: oneOf(['custom', 'directory']).default('custom'),
    jobs: whole(1, 64).default(4),
    tenants: tenants.optional(),
  },
  ALSO_OF_SOURCES,
);

/** These have settings of their own; given to restic behind their back, it would open another repository than is reported. */
const DECIDED = ['RESTIC_REPOSITORY', 'RESTIC_PASSWORD', 'RESTIC_CACHE_DIR', 'RESTIC_HOST'];
const variable = z
  .string()
  .refine((name) => /^[a-z_]\w*$/i.test(name) && !DECIDED.some((own) => name.startsWith(own)));

function variableNeeded(issue: { code?: string }): string {
  return issue.code === 'invalid_key'
    ? `the name of a variable, and not one with a setting of its own (${DECIDED.join(', ')})`
    : 'names of variables with their values';
}

const repository = group(
  {
    location: text.optional(),
    password: password.min(1, { error: 'text that is not empty' }).optional(),
    cache_dir: text.optional(),
    environment: z.record(variable, password, { error: variableNeeded }).default({}),
    answer_timeout: duration.default(45),
    lock_wait: duration.default(300),
    restic: text.default('restic'),
  },
  ['location_file', 'password_file'],
);

/** The defaults of all settings stand in this file and nowhere else. */
export const schema = group({
  host: text.default('holdfast'),
  timezone: timeZone.default('UTC'),
  status_dir: text.default('/status'),
  state_dir: text.default('/var/lib/holdfast'),
  repository,
  schedule: group({ backup: cron.default('0 3,15 * * *'), verify: cron.default('0 5 * * 0') }).prefault({}),
  verify: group({ budget: duration.default(6 * 3600), folder: text.optional() }).prefault({}),
  check_interval: whole(0, 1000).default(6),
  check_cycle: span.default(30 * 86_400),
  check_bytes: bytesOrNone.default(10 * 2 ** 30),
  retention: oneOf(['on', 'off']).default('on'),
  store_ledger: oneOf(['on', 'off']).default('on'),
  keep: keep.prefault({}),
  sources: z
    .array(
      z.discriminatedUnion('type', [mysql, postgres], {
        error: (issue) =>
          typeof issue.input === 'object'
            ? 'one of mysql, mariadb, postgres'
            : 'a source: type, host, database, user, password',
      }),
      {
        error: 'a list of sources',
      },
    )
    .default([]),
  access: z
    .array(role, { error: 'a list of roles (role, tenants, sources)' })
    .refine((roles) => new Set(roles.map((one) => one.role)).size === roles.length, {
      error: 'a list in which each role stands once, with all of its patterns',
    })
    .default([]),
  role: text.optional(),
  free_space: bytesOrNone.default(2 ** 30),
  spool_bytes: bytes.default(2 ** 30),
  backup_timeout: duration.default(6 * 3600),
  stale_after: duration.default(26 * 3600),
  log_level: oneOf(['debug', 'info', 'warn', 'error']).default('info'),
});

export type ParsedConfig = z.output<typeof schema>;
