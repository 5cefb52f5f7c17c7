import { checked } from './check.ts';
import { describeConfig } from './describe.ts';
import { dotted } from './problems.ts';
import { valueAt } from './raw.ts';
import { SETTINGS } from './settings.ts';
import type { Setting } from './setting.ts';

/** One row of the reference: names as people write them, the default as they would write it, or null when there is none. */
export interface ReferenceRow {
  variable: string | null;
  key: string;
  default: string | null;
  meaning: string;
}

/** Every setting with its default, read from the schema itself. */
export function configReference(): ReferenceRow[] {
  const defaults = [defaultsOf('mysql'), defaultsOf('postgres')];
  return SETTINGS.map((setting) => ({
    variable: setting.variable,
    key: dotted(setting.path).replace('[0]', '[]'),
    default: defaultOf(setting, defaults),
    meaning: setting.meaning,
  }));
}

/** The reference as a Markdown table; docs/configuration.md holds it, and a test holds it to that. */
export function referenceTable(): string {
  const rows = configReference().map((row) => {
    const fallback = row.default === null ? '' : `\`${row.default}\``;
    return `| ${row.variable === null ? '' : `\`${row.variable}\``} | \`${row.key}\` | ${fallback} | ${row.meaning} |`;
  });
  return ['| Variable | In the file | Default | Meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** What the schema makes of a configuration that says no more than it must. */
function defaultsOf(type: 'mysql' | 'postgres'): Record<string, unknown> {
  const required = { type, host: 'db', database: 'shop', user: 'backup', password: '' };
  const config = checked({ repository: { location: '/repository' }, sources: [required] }, [], null);
  return config === null ? {} : describeConfig({ ...config, warnings: [] });
}

function defaultOf({ path, secret }: Setting, defaults: Record<string, unknown>[]): string | null {
  if (secret === true || (path[0] === 'sources' && REQUIRED.includes(String(path.at(-1))))) return null;
  const values = new Set(defaults.map((each) => valueAt(each, path)).filter((value) => value !== undefined));
  const told = [...values].map(written).filter((value) => value !== null);
  return told.length === 0 ? null : told.join('` or `');
}

const REQUIRED = ['host', 'database', 'user', 'name'];

function written(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}
