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
