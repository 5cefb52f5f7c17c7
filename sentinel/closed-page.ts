import { readFileSync } from 'node:fs';
import { languages, type Language } from './languages.ts';

/**
 * The visitor's page in each language, out of the one file that nginx shows too. There nginx' own SSI takes out the
 * other languages; here the same marks are obeyed, and nothing else of SSI.
 */
export function readClosedPages(path: URL | string): Record<Language, string> {
  const source = readFileSync(path, 'utf8');
  const pages = languages.map((language) => [language, inLanguage(source, language)] as const);
  return Object.fromEntries(pages) as Record<Language, string>;
}

/** Where the page stands in a clone and in the image alike. */
export const closedPagePath = new URL('../nginx/closed.html', import.meta.url);

function inLanguage(source: string, language: Language): string {
  return source
    .replace(choice, (_, asked: string, text: string) => (asked === language ? text : ''))
    .replaceAll('<!--# echo var="holdfast_language" -->', language)
    .replace(/^[ \t]*\n/gm, '');
}

const choice = /<!--# if expr="\$holdfast_language = (\w+)" -->(.*?)<!--# endif -->/gs;
