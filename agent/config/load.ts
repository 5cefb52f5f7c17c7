import { existsSync, readFileSync } from 'node:fs';
import { HoldfastError } from '../core/errors.ts';
import type { Config } from './config.ts';
import { configFile, settingsOf } from './environment.ts';
import type { Environment } from './environment.ts';
import { merged } from './merge.ts';
import type { Merged } from './merge.ts';
import { oddVariables } from './odd-variables.ts';
import { checked } from './check.ts';
import type { Problem } from './problems.ts';
import { resolved } from './resolve.ts';
import { bucketProblem } from './s3-bucket.ts';
import { readYaml } from './yaml.ts';
import type { ConfigFile } from './yaml.ts';

/**
 * The effective configuration: the YAML file (HOLDFAST_CONFIG, or /etc/holdfast/holdfast.yml when it is there), and from the
 * environment what the file does not say. Where both say something the file wins, and a warning tells it.
 *
 * Throws one HoldfastError of kind `configuration` whose message has a line for every problem there is: the variable, or
 * file:line:column and key; what was given (never a secret); what would be right.
 *
 * `withoutSources`: a configuration that names no database is fine. For commands that need the repository alone, so that a bare
 * new server can look into it. `withoutRepository`: one that names no repository is fine. For commands that need a database alone.
 */
export function loadConfig(environment: Environment, options: LoadOptions = {}): Config {
  const file = readConfigFile(environment);
  const given = settingsOf(environment);
  if (file !== null && file.errors.length > 0) throw refusal(file.errors);

  const odd = oddVariables(environment);
  const union = merged(file, given);
  const problems: Problem[] = [];
  const raw = resolved(union.raw, { problems, nameOf: union.nameOf, foreignIgnored: !union.sourcesFromFile });
  const listedIn = union.sourcesFromFile && file !== null ? file.path : null;
  const config = checked(raw, problems, listedIn, options);
  const lines = [...told(problems, union), ...twice(environment), ...odd.refused];
  const sources = raw['sources'];
  const none = sources === undefined || (Array.isArray(sources) && sources.length === 0);
  if (none && !options.withoutSources) lines.push(noSource(environment));
  // What is missing may stand there under another name.
  if (config === null || lines.length > 0) throw refusal([...lines, ...odd.warnings]);
  return { ...config, warnings: [...union.warnings, ...nothingGates(config), ...odd.warnings] };
}

interface LoadOptions {
  withoutSources?: boolean;
  withoutRepository?: boolean;
}

function readConfigFile(environment: Environment): ConfigFile | null {
  const { path, asked } = configFile(environment);
  if (!asked && !existsSync(path)) return null;
  try {
    return readYaml(path, readFileSync(path, 'utf8'));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const why = code === 'EISDIR' ? 'a folder: Docker makes one where the file to mount is missing' : code;
    throw refusal([`${path} cannot be read (${why})`]);
  }
}

function told(problems: Problem[], { nameOf, whereOf }: Merged): string[] {
  const lines = problems.map(
    ({ path, message, atKey }) => `${whereOf(path, atKey)}${nameOf(path)} ${message}`,
  );
  // By line in the file; what the environment says comes after, in the order of the reference.
  return [...new Set(lines)].sort((one, other) => lineOf(one) - lineOf(other));
}

function lineOf(line: string): number {
  const [, row, column] = /^[^ ].*?:(\d+):(\d+): /.exec(line) ?? [];
  return row === undefined ? Infinity : Number(row) * 10_000 + Number(column);
}

function twice(environment: Environment): string[] {
  const problem = bucketProblem(environment);
  return problem === null ? [] : [problem];
}

/** It may be meant, where nobody asks the sentinel; where somebody does, the site would close a day later for no visible reason. */
function nothingGates({ sources }: Pick<Config, 'sources'>): string[] {
  if (sources.length === 0 || sources.some((source) => source.gates)) return [];
  return ['no source has gates: true: the heartbeat never moves, and the gate closes when its grace is over'];
}

function noSource(environment: Environment): string {
  const { path } = configFile(environment);
  return `no database is named: set MYSQL_HOST, MYSQL_DATABASE, MYSQL_USER and MYSQL_PASSWORD, or DATABASE_URL, or list sources in ${path}`;
}

function refusal(lines: string[]): HoldfastError {
  const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`;
  return new HoldfastError('configuration', [`the configuration has ${count}:`, ...lines].join('\n  '), {
    hint: 'Mend it and look at the result with `holdfast config`; docs/configuration.md tells every setting.',
  });
}
