import { expect, test } from 'vitest';
import { statementsOf } from '../../../agent/sources/postgres/script-reader.ts';

test.each([
  ['several of one entry', ['REVOKE ALL ON TYPE a FROM PUBLIC;', 'GRANT ALL ON TYPE a TO "x;y";']],
  [
    'semicolons in quotes',
    [`SELECT 'a;''b;', E'\\';', $a$;$$;$a$, "c;" /* ; /* ; */ ; */ -- ;\n;`, 'SELECT 2;'],
  ],
  ['a rule of several commands', ['CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);', 'SELECT 3;']],
  [
    'a body in SQL itself',
    [
      'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\n SELECT 2;\nEND;',
      'ALTER FUNCTION f() OWNER TO boss;',
    ],
  ],
  ['a function called begin', ['CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS $$1$$;', 'SELECT 1;']],
  ['no semicolon at the end', ['SELECT 1;', 'SELECT 2']],
])('%s → each statement by itself', (_, statements) => {
  expect(statementsOf(statements.join('\n\n'))).toEqual(statements);
});
