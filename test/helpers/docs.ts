import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { repositoryRoot } from './stack.ts';

/** A fenced block: ```` ```bash runbook exit=1 ```` has the language `bash`, the mark `runbook` and the attribute `exit`. */
export interface Block {
  /** Path in the repository. */
  file: string;
  /** Line of the opening fence, from 1. */
  line: number;
  language: string;
  marks: string[];
  attributes: Record<string, string>;
  text: string;
}

/** Every Markdown file that people read, by its path in the repository. */
export function documents(): string[] {
  const inFolder = (folder: string) =>
    readdirSync(join(repositoryRoot, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => relative('.', join(folder, name)));
  return [...inFolder('.'), ...inFolder('docs'), 'config/README.md'];
}

export function readDocument(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8');
}

/** The blocks of a file, all or those with a language; indented ones (in a list) lose their indentation. */
export function blocksOf(file: string, ...languages: string[]): Block[] {
  const found: Block[] = [];
  let open: { block: Block; indent: string; fence: string } | null = null;
  for (const [index, line] of readDocument(file).split('\n').entries()) {
    if (open !== null) {
      if (line.trim() === open.fence) {
        found.push(open.block);
        open = null;
      } else open.block.text += `${line.startsWith(open.indent) ? line.slice(open.indent.length) : line}\n`;
      continue;
    }
    const [, indent = '', fence = '', info = ''] = /^( *)(`{3,})(.*)$/.exec(line) ?? [];
    if (fence !== '') open = { block: blockOf(file, index + 1, info), indent, fence };
  }
  return languages.length === 0 ? found : found.filter((block) => languages.includes(block.language));
}

function blockOf(file: string, line: number, info: string): Block {
  const [language = '', ...words] = info.trim().split(/\s+/);
  const attributes = words.filter((word) => word.includes('=')).map((word) => word.split('=', 2));
  return {
    file,
    line,
    language,
    marks: words.filter((word) => !word.includes('=')),
    attributes: Object.fromEntries(attributes) as Record<string, string>,
    text: '',
  };
}

/** The part of a document below a heading, up to the next heading of its level or above. */
export function sectionOf(text: string, heading: string): string {
  const lines = text.split('\n');
  const start = lines.indexOf(heading);
  if (start === -1) throw new Error(`there is no heading "${heading}"`);
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => new RegExp(`^#{1,${level}} `).test(line));
  return (end === -1 ? rest : rest.slice(0, end)).join('\n');
}

/** The rows of the first table in a text, each by its column titles; backticks around a cell are taken off. */
export function tableOf(text: string): Record<string, string>[] {
  const lines = text.split('\n').filter((line) => /^\s*\|/.test(line));
  const first = text.split('\n').findIndex((line) => /^\s*\|/.test(line));
  const table = text.split('\n').slice(first);
  const length = table.findIndex((line) => !/^\s*\|/.test(line));
  const rows = (length === -1 ? table : table.slice(0, length)).map(cellsOf);
  if (lines.length === 0) throw new Error('there is no table');
  const [titles = [], , ...body] = rows;
  return body.map((cells) => Object.fromEntries(titles.map((title, i) => [title, cells[i] ?? ''])));
}

function cellsOf(line: string): string[] {
  return line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1'));
}

/** Words of a line of shell by simple command: quotes are taken off, comments left out, `$(…)` left alone. */
export function simpleCommands(script: string): string[][] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | null = null;
  const endWord = () => {
    if (word !== null) words.push(word);
    word = null;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  const text = script.replaceAll('\\\n', ' ');
  for (let i = 0; i < text.length; i += 1) {
    const character = text.charAt(i);
    if (character === "'" || character === '"') {
      const end = text.indexOf(character, i + 1);
      word = (word ?? '') + text.slice(i + 1, end === -1 ? undefined : end);
      i = end === -1 ? text.length : end;
    } else if (character === '#' && word === null) {
      const end = text.indexOf('\n', i);
      i = (end === -1 ? text.length : end) - 1;
    } else if (/[|&;\n]/.test(character)) endCommand();
    else if (/\s/.test(character)) endWord();
    else word = (word ?? '') + character;
  }
  endCommand();
  return commands;
}
