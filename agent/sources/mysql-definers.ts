import type { LineRule } from './line-rewriter.ts';

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

/** Replaces `open` DEFINER=account `close`, which stand behind `lead`, by a plain comment. */
function comment(text: string, lead: string, open: string, close: string): ReturnType<LineRule['rewrite']> {
  const clause = definerClause(text, lead.length + open.length);
  if (clause === null || !text.startsWith(close, clause.end)) return null;
  return { length: clause.end + close.length, by: `${lead}${plain(clause.text)}` };
}

function view(text: string): ReturnType<LineRule['rewrite']> {
  const lead = '/*!50013 ';
  const clause = definerClause(text, lead.length);
  if (clause === null || !text.startsWith(' SQL SECURITY ', clause.end)) return null;
  return { length: clause.end, by: `${plain(clause.text)} ${lead.trimEnd()}` };
}

function definerClause(text: string, at: number): { text: string; end: number } | null {
  const name = '(?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'|[^\\s`"\'@*]+)';
  const found = new RegExp(`DEFINER=${name}(?:@${name})?`, 'y');
  found.lastIndex = at;
  const match = found.exec(text);
  return match === null ? null : { text: match[0], end: found.lastIndex };
}

function plain(clause: string): string {
  return `/* ${clause.replaceAll('*/', '* /')} */`;
}
