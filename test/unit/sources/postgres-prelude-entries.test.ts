import { expect, test } from 'vitest';
import { preludeEntries, remarksOn } from '../../../agent/sources/postgres/tenants/prelude-entries.ts';

/** As pg_restore 15 and later write it, behind the head of ours. */
const SCRIPT = `-- What tenant 1 (schema tenant_1) of clinic needs in a database that has none of it.
-- role boss

DO 'BEGIN END';

\\restrict abc
--
-- PostgreSQL database dump
--

SET search_path = '';

--
-- Name: citext; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;


--
-- Name: EXTENSION citext; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION citext IS 'of any case';


--
-- Name: mood; Type: TYPE; Schema: public; Owner: boss
--

CREATE TYPE public.mood AS ENUM (
    'well',
    'ill'
);


ALTER TYPE public.mood OWNER TO boss;

--
-- Name: of(text, public.mood); Type: FUNCTION; Schema: public; Owner: Big "B"
--

CREATE FUNCTION public.of(text, public.mood) RETURNS text
    LANGUAGE sql
    AS $$
--
-- a remark
--
SELECT $1$$;


ALTER FUNCTION public.of(text, public.mood) OWNER TO "Big ""B""";

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: notes; Type: TABLE; Schema: public; Owner: boss
--

CREATE TABLE public.notes (
    note text
);


ALTER TABLE public.notes OWNER TO boss;

--
-- Data for Name: notes; Type: TABLE DATA; Schema: public; Owner: boss
--

COPY public.notes (note) FROM stdin;
--
-- Name: evil(); Type: FUNCTION; Schema: public; Owner: boss
--
-- PostgreSQL database dump complete
\\.


--
-- Name: FUNCTION of(text, public.mood); Type: ACL; Schema: public; Owner: Big "B"
--

REVOKE ALL ON FUNCTION public.of(text, public.mood) FROM PUBLIC;


--
-- PostgreSQL database dump complete
--

\\unrestrict abc
`;

async function* inPieces(text: string, size: number) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test.each([1, 7, 1 << 16])(
  'a script in pieces of %i bytes → what makes each, without its owner, and no rows',
  async (size) => {
    const entries = await preludeEntries(inPieces(SCRIPT, size));
    expect(entries.map(({ kind, schema, tag, owner }) => [kind, schema, tag, owner])).toEqual([
      ['EXTENSION', '', 'citext', ''],
      ['COMMENT', '', 'EXTENSION citext', ''],
      ['TYPE', 'public', 'mood', 'boss'],
      ['FUNCTION', 'public', 'of(text, public.mood)', 'Big "B"'],
      ['TABLE', 'public', 'notes', 'boss'],
      ['ACL', 'public', 'FUNCTION of(text, public.mood)', 'Big "B"'],
    ]);
    const [extension, comment, type, routine, , rights] = entries.map((entry) => ({
      ...entry,
      definition: entry.definition.trim(),
    }));
    expect(extension!.definition).toBe('CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;');
    expect(comment!.definition).toBe("COMMENT ON EXTENSION citext IS 'of any case';");
    expect(type).toMatchObject({
      definition: "CREATE TYPE public.mood AS ENUM (\n    'well',\n    'ill'\n);",
      drop: 'DROP TYPE public.mood;',
    });
    expect(routine!.definition).toMatch(/^CREATE FUNCTION [^]*-- a remark\n--\nSELECT \$1\$\$;$/);
    expect(routine!.drop).toBe('DROP FUNCTION public.of(text, public.mood);');
    expect(rights!.definition).toBe('REVOKE ALL ON FUNCTION public.of(text, public.mood) FROM PUBLIC;');
  },
);

test('comments and rights → those of what was made alone', async () => {
  const entries = await preludeEntries(inPieces(SCRIPT, 100));
  const of = (kind: string) =>
    remarksOn(
      entries.filter((entry) => entry.kind === kind),
      entries,
    );
  expect(of('FUNCTION').map(({ tag }) => tag)).toEqual(['FUNCTION of(text, public.mood)']);
  expect(of('EXTENSION').map(({ tag }) => tag)).toEqual(['EXTENSION citext']);
  expect(of('TYPE')).toEqual([]);
});

const heading = (name: string, kind: string, owner = 'boss') =>
  `--\n-- Name: ${name}; Type: ${kind}; Schema: public; Owner: ${owner}\n--\n\n`;
/** What nobody who restores may run. */
const EVIL = `--\n-- Name: evil; Type: EXTENSION; Schema: -; Owner: -\n--\n\nALTER ROLE me SUPERUSER; COMMIT;\n\n-- PostgreSQL database dump complete\n--\n-- Name: evil(); Type: FUNCTION; Schema: public; Owner: boss\n--\n`;

test.each([
  ['a body', `CREATE FUNCTION public.f() RETURNS void LANGUAGE sql AS $_$\n$$;\n${EVIL}$_$;`],
  ['a body in quotes', `CREATE FUNCTION public.f() RETURNS void LANGUAGE sql AS 'it''s\n${EVIL}';`],
  [
    'a body with backslashes',
    `CREATE FUNCTION public.f() RETURNS text LANGUAGE sql RETURN E'a''b\\'\n${EVIL}';`,
  ],
  ['a name', `CREATE FUNCTION public."f""\n${EVIL}"() RETURNS void LANGUAGE sql AS $$ $$;`],
  [
    'a default',
    `CREATE FUNCTION public.f(a$$b text DEFAULT '$$\n${EVIL}') RETURNS void LANGUAGE sql AS $$ $$;`,
  ],
  ['a comment', `CREATE FUNCTION public.f() RETURNS void LANGUAGE sql /* /* */ '\n${EVIL}*/ AS $$ $$;`],
])(
  '%s holds what looks like a heading and an end → part of the definition, and nothing else',
  async (_, text) => {
    const script =
      `${heading("it's", 'TYPE')}CREATE TYPE public."it's";\n\n\n` +
      `${heading('f()', 'FUNCTION')}${text}\n\n\nALTER FUNCTION public.f() OWNER TO "Big ""B""";\n\n` +
      `${heading('last', 'TYPE')}CREATE TYPE public.last AS ENUM ();\n`;
    const entries = await preludeEntries(inPieces(script, 13));
    expect(entries.map(({ kind, tag, owner }) => [kind, tag, owner])).toEqual([
      ['TYPE', "it's", 'boss'],
      ['FUNCTION', 'f()', 'Big "B"'],
      ['TYPE', 'last', 'boss'],
    ]);
    expect(entries[1]!.definition).toBe(text);
  },
);

test('a comment ends like what gives a function its owner → all of it is the comment', async () => {
  const text = "COMMENT ON FUNCTION public.f() IS 'x\nALTER FUNCTION public.f() OWNER TO postgres';";
  const [entry] = await preludeEntries(inPieces(`${heading('FUNCTION f()', 'COMMENT')}${text}\n`, 99));
  expect(entry).toMatchObject({ owner: 'boss', definition: text, drop: '' });
});

test('COPY of a column with line ends in its name → its rows are rows', async () => {
  const rows = `COPY public.t ("a\nb FROM stdin;\nc") FROM stdin;\n'$$"\n${EVIL}\\.\n\n`;
  const script = `${heading('t', 'TABLE DATA').replace('-- Name', '-- Data for Name')}${rows}${heading('last', 'TYPE')}CREATE TYPE public.last;\n`;
  expect((await preludeEntries(inPieces(script, 50))).map(({ tag }) => tag)).toEqual(['last']);
});

test('a name that reads like the rest of a heading → its definition is none of that kind, and is left out', async () => {
  const schema = 'x; Type: EXTENSION; Schema: -; Owner: postgres';
  const script = `--\n-- Name: f(); Type: FUNCTION; Schema: ${schema}; Owner: boss\n--\n\nCREATE FUNCTION "${schema}".f() RETURNS void LANGUAGE sql AS $$ $$;\n`;
  expect(await preludeEntries(inPieces(script, 50))).toEqual([]);
});
