import { unquoted } from '../../../proof/of-schema.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { createScriptReader, statementsOf } from '../script-reader.ts';

/**
 * The definitions in a tenant's prelude, as pg_restore writes them into a script, in its order: each as an archive has it, without rows. They depend
 * on nothing, as far as they say, and their ids are none of an archive's. What looks like a heading within a quote is part of that: who may
 * write a function's body, or a comment, says nothing to whoever restores. What is not of its heading's kind is left out.
 */
export async function preludeEntries(script: AsyncIterable<Buffer>): Promise<WholeEntry[]> {
  const found: { heading: Heading; lines: string[] }[] = [];
  const reader = createScriptReader();
  let inRows = false;
  for await (const line of linesOf(script)) {
    // Rows may say anything, and end where COPY ends them.
    if (inRows) {
      inRows = line !== '\\.';
      continue;
    }
    const isText = reader.inQuote();
    reader.read(`${line}\n`);
    const heading = isText ? undefined : HEADING.exec(line)?.groups;
    if (!isText && line === END) found.push({ heading: null, lines: [] });
    else if (heading !== undefined) found.push({ heading, lines: [] });
    else found.at(-1)?.lines.push(line);
    inRows = found.at(-1)?.heading?.rows !== undefined && !reader.inQuote() && line.endsWith(BEFORE_ROWS);
  }
  return found.flatMap(({ heading, lines }, at) => {
    const entry = heading === null || heading.rows !== undefined ? null : entryOf(heading, lines, -1 - at);
    return entry === null ? [] : [entry];
  });
}

/** Those of them that say something of nothing but these, and make nothing: comments and rights. */
export function remarksOn(made: WholeEntry[], entries: WholeEntry[]): WholeEntry[] {
  const names = new Set(made.map(({ kind, schema, tag }) => JSON.stringify([schema, `${kind} ${tag}`])));
  return entries.filter(
    ({ kind, schema, tag }) => SAID_BY_NAME.has(kind) && names.has(JSON.stringify([schema, tag])),
  );
}

type Heading = Record<string, string | undefined> | null;

/** Its line ends are none: pg_restore makes blanks of those in names. */
const HEADING =
  /^-- (?<rows>Data for )?Name: (?<tag>.*); Type: (?<kind>[A-Z ]+); Schema: (?<schema>.*?); Owner: (?<owner>.*?)(?:; Tablespace: (?<tablespace>.*))?$/s;
const END = '-- PostgreSQL database dump complete';
/** The last line of COPY: a name in it may have several. */
const BEFORE_ROWS = ' FROM stdin;';
const SAID_BY_NAME = new Set(['ACL', 'COMMENT', 'SECURITY LABEL']);
/** What pg_restore sets for the entry that comes next. */
const FOR_THE_NEXT = /^SET default_(?:tablespace|table_access_method) = /;
const TO_OWNER = /^ALTER (?<address>[A-Z]+(?: [A-Z]+)* .*) OWNER TO (?<owner>"(?:[^"]|"")*"|[^\s"]+);$/s;

/** Null for what its heading says wrongly: a name may hold what looks like the rest of one. */
function entryOf(heading: NonNullable<Heading>, lines: string[], id: number): WholeEntry | null {
  const { kind = '', tag = '', schema = '-', owner = '-', tablespace = '' } = heading;
  // Between the lines that frame this heading, and before the one that frames the next.
  const text = lines
    .join('\n')
    .replace(/^--\n/, '')
    .replace(/\n--\s*$/, '');
  const statements = statementsOf(text);
  while (FOR_THE_NEXT.test(statements.at(-1) ?? '')) statements.pop();
  const owned = TO_OWNER.exec(statements.at(-1) ?? '')?.groups;
  if (owned !== undefined) statements.pop();
  if (!isOfKind(kind, statements)) return null;
  return {
    ...{ id, kind, tag, tablespace, accessMethod: '', catalog: '0', oid: '0', dependencies: [] },
    schema: schema === '-' ? '' : schema,
    // Of the two the statement cannot be misread.
    owner: unquoted(owned?.owner ?? '') || (owner === '-' ? '' : owner),
    hasData: false,
    copy: '',
    definition: statements.join('\n'),
    drop: owned === undefined ? '' : `DROP ${owned.address ?? ''};`,
  };
}

function isOfKind(kind: string, [first = '']: string[]): boolean {
  if (kind === 'ACL') return /^(?:GRANT|REVOKE|SET SESSION AUTHORIZATION) /.test(first);
  if (kind === 'COMMENT') return first.startsWith('COMMENT ON ');
  return kind === 'SECURITY LABEL' || first.startsWith(`CREATE ${kind} `) || !MADE.has(kind);
}

/** What is made out of a prelude. */
const MADE = new Set(['AGGREGATE', 'DOMAIN', 'EXTENSION', 'FUNCTION', 'PROCEDURE', 'SCHEMA', 'TYPE']);

async function* linesOf(script: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let begun: Buffer[] = [];
  for await (const chunk of script) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      yield Buffer.concat([...begun, chunk.subarray(from, end)]).toString('utf8');
      begun = [];
      from = end + 1;
    }
    begun.push(chunk.subarray(from));
  }
  yield Buffer.concat(begun).toString('utf8');
}
