import type { Path } from './problems.ts';
import { folderSettings } from './folder-settings.ts';
import { keepSettings } from './keep-settings.ts';
import { tenantSettings } from './tenant-settings.ts';
import type { Setting } from './setting.ts';

/** Stands for the index of any source in a path; the one source of the environment form is the first. */
export const SOURCE = 0;

/** Every setting, in the order of the reference. */
export const SETTINGS: readonly Setting[] = [
  {
    variable: 'RESTIC_REPOSITORY',
    path: ['repository', 'location'],
    secret: true,
    meaning:
      'Where the backups go, as restic writes it: a path, `s3:…`, `sftp:…`, `rest:…` and so on. Required, or [`S3_BUCKET`](#a-bucket-by-its-name).',
  },
  {
    variable: 'RESTIC_PASSWORD',
    path: ['repository', 'password'],
    secret: true,
    meaning:
      'Password of the repository. Without it one is generated when the first repository is made, and kept in the state folder: copy it to a safe place.',
  },
  {
    variable: 'RESTIC_CACHE_DIR',
    path: ['repository', 'cache_dir'],
    meaning: "restic's cache. Without it restic chooses the place.",
  },
  {
    variable: null,
    path: ['repository', 'environment'],
    meaning: 'Further variables for restic, by name; see below.',
  },
  {
    variable: 'HOLDFAST_ANSWER_TIMEOUT',
    path: ['repository', 'answer_timeout'],
    meaning:
      'How long the repository may take to answer before it counts as unreachable: seconds, or `90s`, `2m`.',
  },
  {
    variable: 'HOLDFAST_LOCK_WAIT',
    path: ['repository', 'lock_wait'],
    meaning:
      'How long a lock that somebody else holds in the repository is waited for: seconds, or `90s`, `5m`.',
  },
  { variable: 'HOLDFAST_RESTIC', path: ['repository', 'restic'], meaning: 'The restic program.' },
  {
    variable: 'DATABASE_URL',
    path: ['sources', SOURCE, 'url'],
    secret: true,
    meaning:
      'The database as a URL, `postgresql://user:password@host:5432/database` or `mysql://…`, instead of the `MYSQL_…` variables. Special characters are percent-encoded.',
  },
  {
    variable: 'MYSQL_HOST',
    path: ['sources', SOURCE, 'host'],
    meaning: "The database server's host.",
  },
  {
    variable: 'MYSQL_PORT',
    path: ['sources', SOURCE, 'port'],
    form: 'number',
    meaning: "The server's port.",
  },
  {
    variable: 'MYSQL_DATABASE',
    path: ['sources', SOURCE, 'database'],
    meaning: 'The database to back up; the source is named after it.',
  },
  { variable: 'MYSQL_USER', path: ['sources', SOURCE, 'user'], meaning: 'The user that dumps.' },
  {
    variable: 'MYSQL_PASSWORD',
    path: ['sources', SOURCE, 'password'],
    secret: true,
    meaning: "The user's password.",
  },
  {
    variable: 'MYSQL_TLS',
    path: ['sources', SOURCE, 'tls'],
    meaning:
      '`off`, `preferred` (TLS where the server has it), `required`, or `verify` (TLS with a valid certificate for that host, or nothing).',
  },
  {
    variable: 'MYSQL_TLS_CA',
    path: ['sources', SOURCE, 'tls_ca'],
    meaning:
      "File with the certificate authorities that `verify` trusts; without it the system's. A managed database often has one of its own.",
  },
  {
    variable: 'PGSSLMODE',
    path: ['sources', SOURCE, 'sslmode'],
    meaning: "PostgreSQL's `sslmode`, when the URL does not name one.",
  },
  {
    variable: 'PGSSLROOTCERT',
    path: ['sources', SOURCE, 'sslrootcert'],
    meaning: 'The same file for `verify-ca` and `verify-full`, when the URL does not name one.',
  },
  {
    variable: 'BACKUP_COMPRESSION',
    path: ['sources', SOURCE, 'compression'],
    meaning:
      '`gzip` (what `gunzip` reads), `zstd` (faster and smaller) or `none` (restic compresses by itself).',
  },
  ...folderSettings(['sources', SOURCE]),
  {
    variable: 'BACKUP_ALLOW_INCOMPLETE',
    path: ['sources', SOURCE, 'allow_incomplete'],
    form: 'list',
    meaning:
      'Gaps that are accepted, by name, comma-separated. A backup with any other gap fails; with an allowed one it is done with warnings.',
  },
  {
    variable: 'BACKUP_GUARD',
    path: ['sources', SOURCE, 'guard'],
    meaning:
      'What makes a dump suspect, so that it does not count until `holdfast accept`: `tables` (less than half of the usual size, or tables that are gone), `size` (its size alone), or `off`.',
  },
  {
    variable: 'BACKUP_PROOF',
    path: ['sources', SOURCE, 'proof'],
    meaning:
      'What is read beside the dump so that a restore can be shown equal to the source: `checksums` of all rows, `counts` of rows, or `none`.',
  },
  {
    variable: 'BACKUP_PROOF_LIMIT',
    path: ['sources', SOURCE, 'proof_limit'],
    meaning:
      'Of a table that takes more bytes, the checksum covers samples in place of all rows, and reports say so; without a key for samples it is only counted, and not proved. Bytes, or `512M`, `2G`; `0` for no limit.',
  },
  {
    variable: null,
    path: ['sources', SOURCE, 'keep'],
    meaning:
      'What the retention keeps of this source alone: a group as `keep` below, whose defaults it has. Without it, what it keeps of all; of a source with `tenants`, where that says nothing either, 7 daily, 4 weekly, 12 monthly and 5 yearly ones.',
  },
  {
    variable: null,
    path: ['sources', SOURCE, 'gates'],
    meaning: 'Whether the gate waits for this source to be fresh.',
  },
  {
    variable: null,
    path: ['sources', SOURCE, 'name'],
    meaning: 'The name of the source, unique. Without it, the name of its database.',
  },
  {
    variable: 'VERIFY_SERVER',
    path: ['sources', SOURCE, 'verify', 'server'],
    secret: true,
    meaning:
      "Where verifications make their scratch databases: a database URL of a server of the source's kind, and not older, or `throw-away`, one that the agent starts for it. Without it, the source's own server.",
  },
  {
    variable: null,
    path: ['sources', SOURCE, 'verify', 'queries'],
    meaning: 'Questions that what was restored must answer as expected; see below.',
  },
  {
    variable: null,
    path: ['sources', SOURCE, 'objectives', 'rpo'],
    meaning:
      'So old may the last good backup get: seconds, or `90m`, `26h`. Beyond it the page and `holdfast status` say so.',
  },
  {
    variable: null,
    path: ['sources', SOURCE, 'objectives', 'rto'],
    meaning:
      'So long may a restore take: seconds, or `15m`, `2h`. A verification that took longer has a warning.',
  },
  ...tenantSettings(['sources', SOURCE, 'tenants']),
  { variable: 'BACKUP_CRON', path: ['schedule', 'backup'], meaning: 'When to back up.' },
  {
    variable: 'VERIFY_CRON',
    path: ['schedule', 'verify'],
    meaning: 'When to verify by a restore into scratch.',
  },
  {
    variable: 'VERIFY_BUDGET',
    path: ['verify', 'budget'],
    meaning:
      'When this is over, a verification of all sources begins no further one, and those come first the next time: seconds, or `90m`, `6h`.',
  },
  {
    variable: 'VERIFY_FOLDER',
    path: ['verify', 'folder'],
    meaning:
      'Where a throw-away server keeps its data as long as it lasts. Without it, `throw-away` in the state folder.',
  },
  {
    variable: 'BACKUP_CHECK_INTERVAL',
    path: ['check_interval'],
    form: 'number',
    meaning: 'The repository is checked after every so many backups; 0 for never.',
  },
  {
    variable: 'BACKUP_CHECK_CYCLE',
    path: ['check_cycle'],
    meaning:
      'The time in which these checks read all data of the repository, a part each: `30d`, `4w`, `72h`, or seconds; `0`: they read none.',
  },
  {
    variable: 'BACKUP_CHECK_BYTES',
    path: ['check_bytes'],
    meaning:
      'How much of the data one check may read, whatever the time says: bytes, or `512M`, `2G`; `0` for no limit.',
  },
  ...keepSettings(['keep']),
  {
    variable: 'BACKUP_RETENTION',
    path: ['retention'],
    meaning:
      '`off`: no snapshot is ever removed, for a repository that is append-only or cared for elsewhere.',
  },
  {
    variable: 'BACKUP_LEDGER',
    path: ['store_ledger'],
    meaning:
      'Whether the history of runs is stored in the repository too, about once a day and after each verification: `on` or `off`.',
  },
  {
    variable: null,
    path: ['access'],
    meaning:
      'Roles that are limited to some tenants: `role`, `tenants` (patterns of ids or schemas), and `sources` (names or patterns; all unless it says otherwise); see [tenants.md](tenants.md#limit-who-may-touch-which).',
  },
  {
    variable: 'HOLDFAST_ROLE',
    path: ['role'],
    meaning:
      'The one of them that commands act as, as with `--as`. Not for the daemon, which refuses to run as one.',
  },
  {
    variable: 'TZ',
    path: ['timezone'],
    meaning: 'Time zone in which cron expressions are read, such as `Europe/Rome`.',
  },
  {
    variable: 'HOLDFAST_HOST',
    path: ['host'],
    meaning:
      "The name of this server in the repository (restic's `--host`); servers that share one need one each. Change it never, or retention starts a new group.",
  },
  {
    variable: 'HOLDFAST_STATUS_DIR',
    path: ['status_dir'],
    meaning: 'Folder of the heartbeat, shared with the sentinel.',
  },
  {
    variable: 'HOLDFAST_STATE_DIR',
    path: ['state_dir'],
    meaning: 'Folder of the ledger, the spool and the generated password.',
  },
  {
    variable: 'HOLDFAST_FREE_SPACE',
    path: ['free_space'],
    meaning:
      'Less free space than this, on the disk of a local repository or of the state folder, is a warning: bytes, or `512M`, `2G`; `0` for none.',
  },
  {
    variable: 'HOLDFAST_SPOOL_BYTES',
    path: ['spool_bytes'],
    meaning: 'Disk space that a dump may take while the repository stalls: bytes, or `512M`, `2G`.',
  },
  {
    variable: 'HOLDFAST_BACKUP_TIMEOUT',
    path: ['backup_timeout'],
    meaning: 'A run that takes longer is ended: seconds, or `90m`, `6h`.',
  },
  {
    variable: 'HOLDFAST_STALE_AFTER',
    path: ['stale_after'],
    meaning:
      '`holdfast status` calls a source stale whose last good backup is older: seconds, or `90m`, `26h`.',
  },
  { variable: 'HOLDFAST_LOG_LEVEL', path: ['log_level'], meaning: '`debug`, `info`, `warn` or `error`.' },
];

/** Variables that name the one source of the environment form; any of them asks for it. */
export const MYSQL_VARIABLES = [
  'MYSQL_HOST',
  'MYSQL_DATABASE',
  'MYSQL_USER',
  'MYSQL_PASSWORD',
  'MYSQL_PASSWORD_FILE',
];

/** Keys of a source that only one engine has. */
export const MYSQL_ALONE: readonly unknown[] = ['tls', 'tls_ca'];
export const POSTGRES_ALONE: readonly unknown[] = ['sslmode', 'sslrootcert'];

export const CONFIG_FILE_VARIABLE = 'HOLDFAST_CONFIG';
export const DEFAULT_CONFIG_FILE = '/etc/holdfast/holdfast.yml';

/** The setting at a path of the configuration; any index of a source finds it. */
export function settingAt(path: Path): Setting | undefined {
  return SETTINGS.find(
    (setting) =>
      setting.path.length === path.length &&
      setting.path.every((part, i) => part === path[i] || (part === SOURCE && typeof path[i] === 'number')),
  );
}
