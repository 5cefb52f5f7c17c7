import { describe, expect, it } from 'vitest';
import { closedPagePath, readClosedPages } from '../../../sentinel/closed-page.ts';
import { languageOf, languages } from '../../../sentinel/languages.ts';
import { askedLanguages } from '../../helpers/languages.ts';

describe('languageOf', () => {
  it.each(askedLanguages)('"%s" → %s', (header, language) => {
    expect(languageOf(header)).toBe(language);
  });

  it('no header → English', () => {
    expect(languageOf(undefined)).toBe('en');
  });

  it('eight kilobytes of commas → answered in a moment', () => {
    const start = performance.now();
    languageOf(', '.repeat(4096));
    expect(performance.now() - start).toBeLessThan(50);
  });
});

describe('the closed page', () => {
  const pages = readClosedPages(closedPagePath);

  it.each(languages)('%s → one whole page, with nothing of the others and no mark left', (language) => {
    const page = pages[language];
    expect(page).toMatch(/^<!doctype html>\n<html lang='..'>/);
    expect(page).toContain(`<html lang='${language}'>`);
    for (const tag of ['title', 'h1', 'small'])
      expect(page.match(new RegExp(`<${tag}>`, 'g'))).toHaveLength(1);
    expect(page).not.toContain('<!--');
  });

  it.each(languages)(
    '%s → no word of how it is made, and nothing that would have to be fetched',
    (language) => {
      expect(pages[language]).not.toMatch(/holdfast|nginx|sentinel|restic|last_ok|https?:|src=|url\(/i);
    },
  );

  it('two languages → two texts', () => {
    expect(new Set(Object.values(pages)).size).toBe(languages.length);
  });
});
