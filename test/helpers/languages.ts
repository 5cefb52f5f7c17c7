import type { Language } from '../../sentinel/languages.ts';

/** Accept-Language and the language of the closed page: what nginx and the sentinel must agree on. */
export const askedLanguages: [header: string, language: Language][] = [
  ['it', 'it'],
  ['de-AT,de;q=0.9,en;q=0.8', 'de'],
  ['FR-ca', 'fr'],
  ['es;q=0.9', 'es'],
  ['nl, pl;q=0.9, it;q=0.8, en;q=0.7', 'it'],
  ['pt-BR,pt;q=0.9', 'en'],
  ['deu', 'en'],
  ['x-de', 'en'],
  ['*', 'en'],
  [',,,', 'en'],
  ['en-US,en;q=0.9,de;q=0.8', 'en'],
];
