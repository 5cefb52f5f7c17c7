import { describeError } from '../../core/errors.ts';
import { counted } from '../../core/units.ts';
import type { Answer, Source } from '../../sources/source.ts';
import type { StepEnd } from '../steps.ts';

/** A question that a person wants answered by what was restored. */
export interface SmokeQuery {
  sql: string;
  /** The first column of the first row, as text; null for NULL. Undefined where rows are counted. */
  value?: string | null;
  /** How many rows there may be. */
  rows?: { min: number; max: number | null };
}

const QUERY_TIMEOUT_MS = 5 * 60_000;
const MOST_SHOWN = 60;

/** Asks them all, whatever one of them comes to. One that the server refuses has failed: it would be refused after a restore, too. */
export async function askQueries(
  server: Source,
  scratch: string,
  queries: SmokeQuery[],
  signal: AbortSignal,
): Promise<StepEnd & { findings: string[] }> {
  const findings: string[] = [];
  for (const query of queries) {
    const finding = await findingOf(server, scratch, query, signal);
    if (finding !== null) findings.push(`the query "${shortened(query.sql)}" ${finding}`);
  }
  const asked = queries.length === 1 ? '1 query' : `${queries.length} queries`;
  if (findings.length > 0) return { result: 'failed', detail: findings.join('; '), findings };
  return { result: 'passed', detail: `${asked} answered as expected`, findings };
}

async function findingOf(
  server: Source,
  scratch: string,
  query: SmokeQuery,
  signal: AbortSignal,
): Promise<string | null> {
  let answer: Answer;
  try {
    answer = await server.ask(scratch, { sql: query.sql, timeoutMs: QUERY_TIMEOUT_MS }, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    return `failed: ${describeError(error).message}`;
  }
  return unlike(answer, query);
}

function unlike(answer: Answer, { value, rows }: SmokeQuery): string | null {
  if (value !== undefined && (answer.rows === 0 || answer.value !== value)) {
    const found = answer.rows === 0 ? 'no row' : (answer.value ?? 'NULL');
    return `gave ${shortened(found)}, expected ${value ?? 'NULL'}`;
  }
  if (rows === undefined) return null;
  if (answer.rows >= rows.min && (rows.max === null || answer.rows <= rows.max)) return null;
  return `gave ${counted(answer.rows, 'row')}, expected ${rows.max === null ? `${rows.min} or more` : `${rows.min} to ${rows.max}`}`;
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= MOST_SHOWN ? line : `${line.slice(0, MOST_SHOWN - 1)}…`;
}
