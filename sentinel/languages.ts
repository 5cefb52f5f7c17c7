/** The languages of the visitor's page. nginx/http.conf makes the same choice; a test holds the two together. */
export const languages = ['en', 'it', 'de', 'fr', 'es'] as const;

export type Language = (typeof languages)[number];

/**
 * The first language of an Accept-Language header that we have, English where there is none. By order alone: browsers
 * list what they like best first, so the weights (`q=0.8`) say nothing new.
 */
export function languageOf(acceptLanguage: string | undefined): Language {
  const tag = known.exec(acceptLanguage ?? '')?.[1]?.toLowerCase();
  return languages.find((language) => language === tag) ?? 'en';
}

const known = new RegExp(`(?:^|,)\\s*(${languages.join('|')})(?=[-;,\\s]|$)`, 'i');
