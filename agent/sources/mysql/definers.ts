import type { LineRule } from '../bytes/line-rewriter.ts';

/**
 * Rules that turn every DEFINER clause of a dump into a plain comment: naming another account as definer needs rights
 * of the whole server, and the dump must load as the application's own user, who then is the definer.
 * The comment keeps who it was.
 */
export const DEFINER_RULES: LineRule[] = [
  // Procedures, functions, packages.
  { start: 'CREATE DEFINER=', after: 'DELIMITER ;;', rewrite: (text) => comment(text, 'CREATE ', '', '') },
  // Triggers.
  {
    start: '/*!50003 CREATE*/ /*!50017 DEFINER=',
    after: 'DELIMITER ;;',
    rewrite: (text) => comment(text, '/*!50003 CREATE*/ ', '/*!50017 ', '*/'),
  },
  // Events.
  {
    start: '/*!50106 CREATE*/ /*!50117 DEFINER=',
    after: ';;',
    rewrite: (text) => comment(text, '/*!50106 CREATE*/ ', '/*!50117 ', '*/'),
  },
  // Views: SQL SECURITY stands in the same conditional comment and stays.
  { start: '/*!50013 DEFINER=', after: ' */', rewrite: view },
];

/** Rules that turn those comments into clauses again, for a restore by an administrator who wants the definers back. */
export const DEFINERS_BACK_RULES: LineRule[] = [
  { start: 'CREATE /* DEFINER=', after: 'DELIMITER ;;', rewrite: (text) => clause(text, 'CREATE ', '', '') },
  {
    start: '/*!50003 CREATE*/ /* DEFINER=',
    after: 'DELIMITER ;;',
    rewrite: (text) => clause(text, '/*!50003 CREATE*/ ', '/*!50017 ', '*/'),
  },
  {
    start: '/*!50106 CREATE*/ /* DEFINER=',
    after: ';;',
    rewrite: (text) => clause(text, '/*!50106 CREATE*/ ', '/*!50117 ', '*/'),
  },
  {
    start: '/* DEFINER=',
    after: ' */',
    rewrite: (text) => {
      const back = clause(text, '', '/*!50013 ', '');
      const rest = ' /*!50013';
      if (back === null || !text.startsWith(`${rest} SQL SECURITY `, back.length)) return null;
      return { length: back.length + rest.length, by: back.by };
    },
  },
];

/** Rules that change nothing and tell of each definer that stands in a comment, as `user`@`host` in backquotes. */
export function watchDefiners(seen: (account: string) => void): LineRule[] {
  return DEFINERS_BACK_RULES.map((rule) => ({
    ...rule,
    rewrite: (text) => {
      const by = rule.rewrite(text)?.by;
      const found = by === undefined ? null : definerClause(by, by.indexOf(CLAUSE));
      if (found !== null) seen(found.text.slice(CLAUSE.length));
      return null;
    },
  }));
}

const CLAUSE = 'DEFINER=';

/** The way back: a plain comment behind `lead` becomes `open` DEFINER=account `close`. */
function clause(text: string, lead: string, open: string, close: string): ReturnType<LineRule['rewrite']> {
  const found = definerClause(text, lead.length + '/* '.length);
  if (found === null || !text.startsWith(' */', found.end)) return null;
  return { length: found.end + ' */'.length, by: `${lead}${open}${found.text}${close}` };
}

/** Replaces `open` DEFINER=account `close`, which stand behind `lead`, by a plain comment. */
function comment(text: string, lead: string, open: string, close: string): ReturnType<LineRule['rewrite']> {
  const found = definerClause(text, lead.length + open.length);
  if (found === null || !text.startsWith(close, found.end)) return null;
  return { length: found.end + close.length, by: `${lead}${plain(found.text)}` };
}

function view(text: string): ReturnType<LineRule['rewrite']> {
  const lead = '/*!50013 ';
  const found = definerClause(text, lead.length);
  if (found === null || !text.startsWith(' SQL SECURITY ', found.end)) return null;
  return { length: found.end, by: `${plain(found.text)} ${lead.trimEnd()}` };
}

function definerClause(text: string, at: number): { text: string; end: number } | null {
  const name = '(?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'|[^\\s`"\'@*]+)';
  const found = new RegExp(`DEFINER=${name}(?:@${name})?`, 'y');
  found.lastIndex = at;
  const match = found.exec(text);
  return match === null ? null : { text: match[0], end: found.lastIndex };
}

function plain(definer: string): string {
  return `/* ${definer.replaceAll('*/', '* /')} */`;
}
