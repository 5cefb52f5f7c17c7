import type { TestServer } from './server.ts';

/** A database that many share, with a schema for each tenant. */
export interface Clinic {
  database: string;
  /** For the agent as a superuser, which alone may give all that comes back to its owners. */
  environment: Record<string, string>;
}

let number = 0;

/** Names of schemas that have hurt somebody, a tenant without a table, and two ordinary ones. */
export const CLINIC_TENANTS = ['1', '2', 'Mixed-Case', 'empty'];

/**
 * A new database: lookup rows, an enum, an extension and functions in `public`; in each tenant's schema tables that need all of them.
 * `orphans` is a schema of nobody's.
 */
export async function createClinic(server: TestServer): Promise<Clinic> {
  number += 1;
  const database = `clinic${number}`;
  await server.sql(`CREATE DATABASE ${database}`);
  await server.sql(
    `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clinic_app') THEN CREATE ROLE clinic_app; END IF; END $$;
     CREATE EXTENSION citext;
     CREATE TYPE public.mood AS ENUM ('well', 'ill');
     CREATE DOMAIN public.age AS int CHECK (VALUE >= 0);
     CREATE TABLE public.countries (code text PRIMARY KEY, name text NOT NULL);
     INSERT INTO public.countries VALUES ('it', 'Italia'), ('de', 'Deutschland');
     CREATE TABLE public.visits (at timestamptz NOT NULL, note text);
     INSERT INTO public.visits SELECT now(), repeat('x', 100) FROM generate_series(1, 50);
     CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := true; RETURN NEW; END $$;
     CREATE SCHEMA orphans; CREATE TABLE orphans.things (id int);
     ${CLINIC_TENANTS.map(tenant).join('')}`,
    database,
  );
  return {
    database,
    environment: {
      DATABASE_URL: `postgresql://boss:bosspw@127.0.0.1:${server.port}/${database}`,
      TENANT_SCHEMAS: 'tenant_*',
    },
  };
}

function tenant(id: string): string {
  const schema = `"tenant_${id}"`;
  if (id === 'empty') return `CREATE SCHEMA ${schema};`;
  return `
     CREATE SCHEMA ${schema};
     GRANT USAGE ON SCHEMA ${schema} TO clinic_app;
     CREATE TABLE ${schema}.patients (id serial PRIMARY KEY, name public.citext NOT NULL UNIQUE, mood public.mood DEFAULT 'well',
       age public.age, country text REFERENCES public.countries, touched bool);
     GRANT SELECT ON ${schema}.patients TO clinic_app;
     CREATE TRIGGER touch BEFORE INSERT ON ${schema}.patients FOR EACH ROW EXECUTE FUNCTION public.touch();
     INSERT INTO ${schema}.patients (name, age, country) SELECT 'Patient ' || n, n % 90, CASE n % 2 WHEN 0 THEN 'it' ELSE 'de' END
       FROM generate_series(1, 200) n;
     CREATE TABLE ${schema}."Odd Name" (id int, amount int); INSERT INTO ${schema}."Odd Name" VALUES (1, 100);
     CREATE VIEW ${schema}.sick AS SELECT name FROM ${schema}.patients WHERE mood = 'ill';`;
}
