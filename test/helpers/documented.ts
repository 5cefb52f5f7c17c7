import { blocksOf, documents, type Block } from './docs.ts';

/**
 * Which test executes the blocks that bear a mark behind their language: ```` ```bash runbook ````. Every block of a language
 * below bears one of these marks, or `not-run=` and one of the reasons of `NOT_RUN`; a unit test holds the documents to it.
 */
export const EXECUTED_BY = {
  anywhere: 'test/compose/readme.test.ts',
  caddy: 'test/integration/gate-caddy.test.ts',
  cli: 'test/integration/docs/cli.test.ts',
  compose: 'test/compose/blocks.test.ts',
  config: 'test/unit/docs/settings.test.ts',
  demo: 'test/compose/demo.test.ts',
  'denied-user': 'test/integration/agent/documented-grants.test.ts',
  folder: 'test/integration/docs/folder.test.ts',
  'grants-mariadb-10': 'test/integration/agent/documented-grants.test.ts',
  'grants-mariadb-11': 'test/compose/engines.test.ts',
  'grants-mysql': 'test/compose/quickstart-page.test.ts',
  'grants-postgres': 'test/integration/agent/documented-grants.test.ts',
  'own-nginx': 'test/integration/own-nginx.test.ts',
  page: 'test/integration/page-location.test.ts',
  postgres: 'test/compose/readme.test.ts',
  quickstart: 'test/compose/quickstart-page.test.ts',
  readme: 'test/compose/readme.test.ts',
  runbook: 'test/compose/runbook.test.ts',
  settings: 'test/unit/docs/settings.test.ts',
  tenants: 'test/integration/docs/tenants.test.ts',
} as const;

/** Why a block is run by no test. */
export const NOT_RUN = {
  registry: 'it asks a registry of images, and the tests have none in reach',
  itself: 'it installs the packages that the tests run on, or runs the tests',
  long: 'it takes longer than all tests together; a test runs it with little data',
  iam: 'the S3 servers of the tests obey no policy: their form is looked at, and what append-only refuses is tried on a REST server',
} as const;

export type Mark = keyof typeof EXECUTED_BY;

/** Languages of what people type, or put into a file. */
export const LANGUAGES = ['bash', 'sh', 'sql', 'yaml', 'json', 'ini', 'nginx', 'caddyfile'];

/** A block that is executed as printed. */
export interface Step {
  /** As it is printed, with `set -euo pipefail` before it where it is shell. */
  script: string;
  language: string;
  /** What it has to exit with. */
  exit: number;
  /** What is typed when it asks for a name; null for a step that asks for nothing. */
  typed: string | null;
  /** `docs/runbook.md:42` */
  where: string;
}

/** All blocks with a mark, of all documents in their order, or of those with a language. */
export function marked(mark: Mark, ...languages: string[]): Block[] {
  return documents()
    .flatMap((file) => blocksOf(file, ...languages))
    .filter(({ marks }) => marks.includes(mark));
}

/** The only block with a mark and a language; throws where there is none, or another one. */
export function theOne(mark: Mark, language: string): string {
  const [block, ...others] = marked(mark, language);
  if (block === undefined || others.length > 0)
    throw new Error(
      `${others.length + Number(block !== undefined)} blocks of ${language} are marked ${mark}`,
    );
  return block.text;
}

/** Shell that is marked, and other languages that are asked for, in the order of the documents. */
export function stepsOf(mark: Mark, ...others: string[]): Step[] {
  const blocks = marked(mark, 'bash', 'sh', ...others);
  return blocks.map(({ file, line, language, text, attributes }) => ({
    script: others.includes(language) ? text : `set -euo pipefail\n${text}`,
    language,
    exit: Number(attributes.exit ?? 0),
    typed: attributes.typed ?? null,
    where: `${file}:${line}`,
  }));
}
