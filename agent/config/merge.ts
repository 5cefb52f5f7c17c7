import type { Given } from './environment.ts';
import type { Path } from './problems.ts';
import { dotted } from './problems.ts';
import { isGroup, valueAt } from './raw.ts';
import type { Raw } from './raw.ts';
import { settingAt } from './settings.ts';
import type { ConfigFile } from './yaml.ts';

/** File and environment in one, and where each setting came from. */
export interface Merged {
  raw: Raw;
  /** Settings of the environment that the file overrules; sentence parts. */
  warnings: string[];
  sourcesFromFile: boolean;
  /** The variable where the environment gave the setting or would have to, else its key in the file. */
  nameOf(path: Path): string;
  /** `file:line:column: ` for settings of the file, nothing for those of the environment. */
  whereOf(path: Path, atKey?: boolean): string;
}

/** Lays the environment under the file: a setting that the file has stays; sources come from one of the two as a whole. */
export function merged(file: ConfigFile | null, given: Given[]): Merged {
  const raw = structuredClone(file?.raw ?? {});
  const sourcesFromFile = raw['sources'] !== undefined;
  const origins = new Map<string, string>();
  const overruled: Given[] = [];
  for (const one of given) {
    if (file !== null && isInFile(file.raw, one.path)) overruled.push(one);
    else {
      put(raw, one.path, one.value);
      origins.set(dotted(one.path), one.variable);
    }
  }
  const fromFile = (path: Path) =>
    file !== null &&
    variableOf(origins, path) === null &&
    (valueAt(file.raw, path) !== undefined || inGroupOfFile(file.raw, path));
  return {
    raw,
    warnings: file === null ? [] : warningsOf(file, overruled),
    sourcesFromFile,
    nameOf: (path) =>
      variableOf(origins, path) ??
      (fromFile(path) ? null : (variableBelow(origins, path) ?? settingAt(path)?.variable)) ??
      dotted(path),
    whereOf: (path, atKey) => (fromFile(path) && file !== null ? `${file.where(path, atKey)}: ` : ''),
  };
}

/** The variable that gave what stands at the path, with the place inside of it where it is a list. */
function variableOf(origins: Map<string, string>, path: Path): string | null {
  for (let length = path.length; length > 0; length--) {
    const variable = origins.get(dotted(path.slice(0, length)));
    if (variable !== undefined) return variable + dotted(path.slice(length));
  }
  return null;
}

/** The variable that alone gave a part of the group at the path. */
function variableBelow(origins: Map<string, string>, path: Path): string | null {
  const below = [...origins].filter(([place]) => place.startsWith(`${dotted(path)}.`));
  return below.length === 1 ? (below[0]?.[1] ?? null) : null;
}

/** Whether the file has the setting, in either of the two forms that a secret has. */
function isInFile(raw: Raw, path: Path): boolean {
  if (path[0] === 'sources') return raw['sources'] !== undefined;
  const name = String(path.at(-1));
  const suffix = path[1] === 'environment' ? /_FILE$/ : /_file$/;
  const plain = name.replace(suffix, '');
  const filed = plain + (path[1] === 'environment' ? '_FILE' : '_file');
  return [name, plain, filed].some((form) => valueAt(raw, [...path.slice(0, -1), form]) !== undefined);
}

/** A key that is missing belongs to the file when the group around it stands there. */
function inGroupOfFile(raw: Raw, path: Path): boolean {
  return path.length > 1 && valueAt(raw, path.slice(0, -1)) !== undefined;
}

function put(raw: Raw, path: Path, value: unknown): void {
  if (path[0] === 'sources') {
    const sources = (raw['sources'] ??= [{}]) as [Raw];
    putIn(sources[0], path.slice(2), value);
  } else putIn(raw, path, value);
}

function putIn(root: Raw, path: Path, value: unknown): void {
  let group = root;
  for (const part of path.slice(0, -1)) {
    const next = (group[String(part)] ??= {});
    // The file has something else there: the schema will say so.
    if (!isGroup(next)) return;
    group = next;
  }
  group[String(path.at(-1))] = value;
}

function warningsOf(file: ConfigFile, overruled: Given[]): string[] {
  const ofSource = overruled.filter(({ path }) => path[0] === 'sources' && path[2] !== 'type');
  const others = overruled.filter(
    ({ path, value }) => path[0] !== 'sources' && valueAt(file.raw, path) !== value,
  );
  const warnings = others.map(
    ({ variable, path }) => `${variable} is not used: ${file.path} sets ${dotted(path)}`,
  );
  if (ofSource.length > 0) {
    const names = ofSource.map(({ variable }) => variable);
    warnings.push(
      `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not used: ${file.path} lists the sources`,
    );
  }
  return warnings;
}
