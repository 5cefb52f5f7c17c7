import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * The walls of the house: which folder of the agent may import from which. No arrow runs back up.
 * `interfaces` are files that hold types alone, which the layers above their implementations may know.
 */
const LAYERS = {
  core: [],
  proof: ['core'],
  process: ['core'],
  config: ['core', 'scheduler', 'proof/proof'],
  ledger: ['core'],
  sources: ['core', 'process', 'config/config', 'proof'],
  repository: ['core', 'process', 'config/config', 'sources/source'],
  jobs: [
    'core',
    'proof',
    'sources/source',
    'sources/scratch',
    'sources/roles',
    'sources/tenants',
    'sources/tenant-dumps',
    'repository/repository',
    'ledger/ledger',
  ],
  reports: ['core', 'ledger/ledger', 'sentinel/heartbeat', 'sentinel/override'],
  scheduler: ['core', 'fires', 'due'],
  due: ['core', 'fires'],
  fires: [],
  runner: ['core', 'jobs/job', 'ledger/ledger'],
  pulse: [],
  health: ['core', 'ledger/ledger', 'pulse'],
  recovery: ['core', 'ledger/ledger', 'repository/repository'],
};
const ROOMS = [
  ...Object.keys(LAYERS),
  'app',
  'repository-access',
  'parts',
  'tenant-choice',
  'tenancy',
  'tenant-turns',
  'upkeep',
  'daemon',
  'doctor',
  'cli',
  'main',
  'sentinel',
];

const SINGLE_OWNERS = [
  { name: 'execa', files: ['agent/process/**'], message: 'programs are started by process/ alone' },
  { name: 'node-cron', files: ['agent/scheduler.ts'], message: 'schedules are read by scheduler.ts alone' },
  {
    name: 'mysql2/promise',
    files: ['agent/sources/**'],
    message: 'databases are talked to by sources/ alone',
  },
  { name: 'mysql2', files: ['agent/sources/**'], message: 'databases are talked to by sources/ alone' },
  { name: 'pg', files: ['agent/sources/**'], message: 'databases are talked to by sources/ alone' },
  {
    name: 'node:child_process',
    files: [],
    message: 'programs are started by process/ alone, through execa',
    types: true,
  },
];

/** The files of a room: a folder, or one file. */
const filesOf = (room) => [`agent/${room}/**/*.ts`, `agent/${room}.ts`];

function wallsOf(room, allowed, { files = filesOf(room), inner = [] } = {}) {
  const allowedPattern = [room, ...allowed].map((name) => `${name}(/|\\.ts$)`).join('|');
  const others = ROOMS.filter((name) => name !== room).join('|');
  return {
    files,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              // Relative paths that name another room, except the allowed ones.
              regex: `^(\\.\\./|\\./)+(?!(${allowedPattern}))(${others})(/|\\.ts$)`,
              message: `${room} may import ${allowed.join(', ') || 'nothing of ours'} (see docs/architecture.md).`,
            },
            ...inner,
            ...ownersFor(filesOf(room)),
          ],
        },
      ],
    },
  };
}

function ownersFor(files) {
  return SINGLE_OWNERS.filter(
    (owner) => !owner.files.some((owned) => files.some((file) => file.startsWith(owned.replace('/**', '')))),
  ).map(({ name, message, types }) => ({
    regex: `^${name}$`,
    message,
    ...(types ? { allowTypeImports: true } : {}),
  }));
}

/** Within `sources`: no engine knows of another, and what they share knows of none. */
function wallsBetweenSources() {
  const folders = {
    mysql: 'postgres/',
    postgres: 'mysql/',
    client: '(mysql|postgres)/',
    bytes: '(mysql|postgres|client)/',
  };
  return Object.entries(folders).map(([folder, foreign]) =>
    wallsOf('sources', LAYERS.sources, {
      files: [`agent/sources/${folder}/**/*.ts`],
      inner: [
        {
          regex: `^\\.\\./${foreign}`,
          message: `sources/${folder} knows nothing of the engines beside or above it`,
        },
      ],
    }),
  );
}

const onlyHere = (object, property, message) => ({ object, property, message });

export default defineConfig(
  { ignores: ['node_modules/', 'status/', 'coverage/', 'bench/results/'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowNullish: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/require-await': 'off',
      // It takes a signal that was not aborted a line ago for one that never will be.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true } }],
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/dot-notation': 'off',
      'max-lines': ['error', { max: 320, skipBlankLines: true, skipComments: true }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['agent/**/*.ts', 'sentinel/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        onlyHere('process', 'env', 'the environment is read by config/ and sentinel/main.ts alone'),
        onlyHere('process', 'exit', 'only the two mains end the process'),
        onlyHere('Date', 'now', 'the wall clock is core/clock'),
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'the wall clock is core/clock',
        },
      ],
    },
  },
  ...Object.entries(LAYERS).map(([room, allowed]) => wallsOf(room, allowed)),
  ...wallsBetweenSources(),
  {
    files: ['sentinel/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '/agent/', message: 'the sentinel imports nothing of the agent' }] },
      ],
    },
  },
  {
    files: ['agent/config/environment.ts', 'agent/main.ts', 'sentinel/main.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['agent/core/clock.ts', 'sentinel/main.ts', 'sentinel/clock.ts'],
    rules: { 'no-restricted-syntax': 'off', 'no-restricted-properties': 'off' },
  },
  {
    files: ['test/**', 'bench/**', 'scripts/**'],
    rules: { 'max-lines': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  { files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] },
);
