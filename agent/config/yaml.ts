import type { Document, Node, YAMLError } from 'yaml';
import type { Path } from './problems.ts';
import { isGroup } from './raw.ts';
import type { Raw } from './raw.ts';
import { yamlLibrary } from './yaml-library.ts';

/** A configuration file, read: its settings and where each of them stands. */
export interface ConfigFile {
  path: string;
  raw: Raw;
  /** What is no YAML at all; nothing of it is worth looking at then. Each with its `file:line:column`. */
  errors: string[];
  /** `file:line:column` of the value at a path (or of its key); of the nearest group around it, when there is none. */
  where(path: Path, atKey?: boolean): string;
}

/** Reads YAML text. Never throws: what is wrong with the text is told in `errors`, without quoting any of it. */
export function readYaml(path: string, text: string): ConfigFile {
  const { LineCounter, parseDocument } = yamlLibrary();
  const lines = new LineCounter();
  // Pretty errors quote the line, and the line may hold a password.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const errors = [...document.errors, ...document.warnings].map(
    (error) => `${at(error.pos[0])}: ${told(error)}`,
  );
  errors.push(...danglingAliases(document).map((offset) => `${at(offset)}: ${QUOTE}`));
  const raw: unknown = errors.length === 0 ? (document.toJS() ?? {}) : {};
  if (!isGroup(raw)) errors.push(`${at(0)}: the file must hold settings, "name: value", one to a line`);
  const where = (of: Path, atKey = false) => at(offsetOf(document, of, atKey));
  return { path, raw: isGroup(raw) ? raw : {}, errors, where };
}

const QUOTE = 'a value that starts with * & ! | > % @ or ` must stand in quotes';

function told(error: YAMLError): string {
  if (error.code === 'TAG_RESOLVE_FAILED' || error.code === 'BAD_SCALAR_START' || error.code === 'BAD_ALIAS')
    return QUOTE;
  if (error.code === 'DUPLICATE_KEY') return 'this setting stands here a second time';
  if (error.code === 'TAB_AS_INDENT') return 'a tab; indent with spaces';
  if (error.code === 'MULTIPLE_DOCS') return 'a second document begins here; the file must hold one';
  return `not valid YAML (${error.code.toLowerCase().replaceAll('_', ' ')}); a value with ": " or " #" in it must stand in quotes`;
}

/** Aliases to anchors that are not there, `password: *secret` for example: `toJS` would throw and name them. */
function danglingAliases(document: Document): number[] {
  const offsets: number[] = [];
  const { isAlias, visit } = yamlLibrary();
  visit(document, {
    Alias: (_, alias) => {
      if (isAlias(alias) && alias.resolve(document) === undefined) offsets.push(alias.range?.[0] ?? 0);
    },
  });
  return offsets;
}

function offsetOf(document: Document, path: Path, atKey: boolean): number {
  const { isMap, isNode, isScalar } = yamlLibrary();
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && item.key.value === key)
      : undefined;
    const node: unknown = document.getIn(path.slice(0, length), true);
    const useKey = (atKey && length === path.length) || length < path.length || !isNode(node);
    const offset = startOf(useKey && pair !== undefined ? pair.key : node);
    if (offset !== null) return offset;
  }
  return 0;
}

function startOf(node: unknown): number | null {
  return (yamlLibrary().isNode(node) ? (node as Node).range?.[0] : undefined) ?? null;
}
