import type { WholeEntry } from '../archive-contents.ts';

/**
 * The definitions in a tenant's prelude, as pg_restore writes them into a script, in its order: each as an archive has it, without rows. They depend
 * on nothing, as far as they say, and their ids are none of an archive's. What cannot be read as one is part of the one before it, and the
 * server refuses that.
 */
export async function preludeEntries(script: AsyncIterable<Buffer>): Promise<WholeEntry[]> {
  const found: { heading: Heading; lines: string[] }[] = [];
  let inRows = false;
  for await (const line of linesOf(script)) {
    // Rows may say anything, and end where COPY ends them.
    if (inRows) {
      inRows = line !== '\\.';
      continue;
    }
    const current = found.at(-1);
    const heading = HEADING.exec(line)?.groups;
    if (line === END) found.push({ heading: null, lines: [] });
    else if (heading !== undefined) found.push({ heading, lines: [] });
    else current?.lines.push(line);
    inRows = current?.heading?.rows !== undefined && /^COPY .* FROM stdin;$/.test(line);
  }
  return found.flatMap(({ heading, lines }, at) =>
    heading === null || heading.rows !== undefined ? [] : [entryOf(heading, lines, -1 - at)],
  );
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
  /^-- (?<rows>Data for )?Name: (?<tag>.*); Type: (?<kind>[A-Z ]+); Schema: (?<schema>.*?); Owner: (?<owner>.*?)(?:; Tablespace: (?<tablespace>.*))?$/;
const END = '-- PostgreSQL database dump complete';
const SAID_BY_NAME = new Set(['ACL', 'COMMENT', 'SECURITY LABEL']);
/** What pg_restore sets for the entry that comes next. */
const FOR_THE_NEXT = /(?:\s*^SET default_(?:tablespace|table_access_method) = .*;$)+\s*(?![^])/m;
const TO_OWNER = /\s*^ALTER (?<address>[A-Z]+(?: [A-Z]+)* .*) OWNER TO (?:"(?:[^"]|"")*"|\S+);\s*(?![^])/m;

function entryOf(heading: NonNullable<Heading>, lines: string[], id: number): WholeEntry {
  const { kind = '', tag = '', schema = '-', owner = '-', tablespace = '' } = heading;
  // Between the lines that frame this heading, and before the one that frames the next.
  const text = lines
    .join('\n')
    .replace(/^--\n/, '')
    .replace(/\n--\s*$/, '')
    .replace(FOR_THE_NEXT, '');
  const owned = TO_OWNER.exec(text);
  return {
    ...{ id, kind, tag, tablespace, accessMethod: '', catalog: '0', oid: '0', dependencies: [] },
    schema: schema === '-' ? '' : schema,
    owner: owner === '-' ? '' : owner,
    hasData: false,
    copy: '',
    definition: owned === null ? text : text.slice(0, owned.index),
    drop: owned === null ? '' : `DROP ${owned.groups?.address ?? ''};`,
  };
}

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
